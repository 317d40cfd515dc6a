// Partitions that the disk does not give back when the log is opened.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/log_world.h"

namespace leat {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kFirst[] = "00000000000000000000.log";
constexpr char kSecond[] = "00000000000000000005.log";
constexpr char kThird[] = "00000000000000000010.log";

class LogUnreadableTest : public ::testing::Test {
 protected:
  // Twelve records in three segments; the checkpoint knows of eleven.
  void SetUp() override {
    world_.config.segment_bytes = static_cast<int64_t>(5 * Batch(0).size());
    ASSERT_THAT(world_.Create(), IsOk());
    for (int i = 0; i < 12; ++i) {
      ASSERT_THAT(world_.Append(Batch(i)), IsOk());
      ASSERT_THAT(world_.Commit(), IsOk());
      if (i == 10) world_.checkpoint = world_.log->checkpoint();
    }
    world_.runtime.RunUntilIdle();
    ASSERT_THAT(world_.log->Close(), IsOk());
    world_.Drop();
  }
  static std::string Batch(int i) { return MakeValueBatch({absl::StrCat("value ", 1000 + i)}); }

  // Operations of these kinds on a path that ends so fail.
  void Break(std::vector<FsOpKind> kinds, const std::string& path_end,
             ErrorCode code = ErrorCode::kStorageError) {
    world_.fs.SetFault([=](const FsOp& op) {
      const bool hit = std::count(kinds.begin(), kinds.end(), op.kind) > 0 &&
                       op.path.size() >= path_end.size() &&
                       op.path.substr(op.path.size() - path_end.size()) == path_end;
      return hit ? MakeError(code, "the disk cannot be read") : absl::OkStatus();
    });
  }

  // What is on the disk but for the indexes, a cache.
  std::vector<std::string> Logs() {
    std::vector<std::string> logs;
    for (const std::string& name : world_.Names()) {
      if (name.find("index") == std::string::npos) logs.push_back(absl::StrCat(name, ": ", world_.Get(name)));
    }
    return logs;
  }

  void ExpectAllBack() {
    world_.fs.SetFault(nullptr);
    world_.Drop();
    ASSERT_THAT(world_.Open(), IsOk());
    EXPECT_THAT(world_.recovered.write_status, IsOk());
    EXPECT_THAT(world_.log->state().lost, IsEmpty());
    EXPECT_EQ(world_.log->visible_offset(), 12);
    EXPECT_THAT(world_.Append(Batch(12)), IsOk());
  }

  LogWorld world_;
  int last_read_ = -1;
};

TEST_F(LogUnreadableTest, FencesAndKeepsItsEvidenceUntilItCanBeReadAgain) {
  const std::vector<std::string> before = Logs();
  const std::optional<CheckpointEntry> promised = world_.checkpoint;
  const std::vector<std::pair<std::vector<FsOpKind>, std::string>> faults = {{{FsOpKind::kRead}, kThird},
                                                                             {{FsOpKind::kOpen}, kThird},
                                                                             {{FsOpKind::kSize}, kThird},
                                                                             {{FsOpKind::kList}, "orders-0"}};
  for (const auto& [kinds, path] : faults) {
    SCOPED_TRACE(absl::StrCat(static_cast<int>(kinds[0]), " of ", path));
    Break(kinds, path);
    for (int start = 0; start < 2; ++start) {
      ASSERT_THAT(world_.Open(), IsOk());
      EXPECT_THAT(world_.Append(Batch(12)), StatusIs(ErrorCode::kPartitionFenced));
      EXPECT_THAT(std::string(world_.recovered.write_status.message()), HasSubstr("the disk cannot be read"));
      EXPECT_EQ(world_.log->checkpoint(), promised);
      EXPECT_THAT(world_.log->state().lost, Contains(OffsetRange{10, 11}).Times(path == kThird ? 1 : 0));
      EXPECT_THAT(world_.log->Read(0, 100),
                  StatusIs(path == kThird ? ErrorCode::kNone : ErrorCode::kDataLoss));
      EXPECT_THAT(world_.log->Read(10, 100), StatusIs(ErrorCode::kDataLoss));
      world_.Drop();
    }
    world_.fs.SetFault(nullptr);
    EXPECT_EQ(Logs(), before);
  }
  ExpectAllBack();
}

TEST_F(LogUnreadableTest, ASealedSegmentIsQuarantinedAndWritingGoesOn) {
  Break({FsOpKind::kRead}, kSecond);
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.recovered.write_status, IsOk());
  EXPECT_THAT(world_.log->state().lost, ElementsAre(OffsetRange{5, 10}));
  EXPECT_THAT(world_.recovered.lost, ElementsAre(OffsetRange{5, 10}));
  EXPECT_THAT(world_.recovered.notes, Contains(HasSubstr("the disk cannot be read")));
  EXPECT_THAT(std::string(world_.log->Read(7, 100).status().message()), HasSubstr("offsets 5 to 9"));
  EXPECT_THAT(world_.log->Read(10, 100), IsOk());
  ASSERT_THAT(world_.Append(Batch(12)), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  world_.fs.SetFault(nullptr);
  world_.checkpoint = world_.log->checkpoint();
  world_.Drop();
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.log->state().lost, IsEmpty());
  EXPECT_EQ(world_.log->visible_offset(), 13);
}

TEST_F(LogUnreadableTest, ATailThatCannotBeSavedIsNotCut) {
  world_.Put(kThird, world_.Get(kThird) + std::string(500, 'x'));
  const std::vector<std::string> before = Logs();
  // The scan stops at the damage, what lies behind is only read to be kept.
  int reads = 0;
  world_.fs.SetFault([&](const FsOp& op) {
    const bool hit = op.kind == FsOpKind::kRead && op.path == world_.PathOf(kThird);
    return hit && ++reads == last_read_ ? MakeError(ErrorCode::kStorageError, "the disk cannot be read")
                                        : absl::OkStatus();
  });
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_EQ(world_.recovered.bytes_cut, 500u);
  last_read_ = reads;
  world_.Drop();
  world_.fs.Remove(world_.PathOf("00000000000000000010.torn-" + std::to_string(2 * Batch(0).size())))
      .IgnoreError();
  world_.Put(kThird, before.back().substr(before.back().find(": ") + 2));
  ASSERT_EQ(Logs(), before);
  reads = 0;
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.recovered.write_status, StatusIs(ErrorCode::kPartitionFenced));
  EXPECT_EQ(Logs(), before);
}

// That says nothing about the disk.
TEST_F(LogUnreadableTest, WithoutADescriptorNothingIsFenced) {
  for (const auto& [kind, path] : std::vector<std::pair<FsOpKind, std::string>>{
           {FsOpKind::kOpen, kFirst}, {FsOpKind::kOpen, kThird}, {FsOpKind::kList, "orders-0"}}) {
    Break({kind}, path, ErrorCode::kLimitExceeded);
    EXPECT_THAT(world_.Open(), StatusIs(ErrorCode::kLimitExceeded));
  }
  ExpectAllBack();
}

TEST_F(LogUnreadableTest, MissingSegmentIsPartOfTheState) {
  const std::string second = world_.Get(kSecond);
  ASSERT_THAT(world_.fs.Remove(world_.PathOf(kSecond)), IsOk());
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.recovered.write_status, IsOk());
  EXPECT_THAT(world_.log->state().lost, ElementsAre(OffsetRange{5, 10}));
  world_.Drop();
  // So are several ranges, and those of a fenced log.
  ASSERT_THAT(world_.fs.Remove(world_.PathOf(kFirst)), IsOk());
  world_.Put(kSecond, second.substr(0, second.size() - 1));
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.recovered.write_status, StatusIs(ErrorCode::kPartitionFenced));
  EXPECT_THAT(world_.log->state().lost, ElementsAre(OffsetRange{0, 5}, OffsetRange{9, 10}));
}

}  // namespace
}  // namespace leat
