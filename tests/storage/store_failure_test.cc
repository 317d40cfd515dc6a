// Disks that fail or are full while a store runs.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/store_harness.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class StoreFailureTest : public testing::Test {
 protected:
  void SetUp() override {
    sim_ = std::make_unique<SimStore>(fs_, 1, WithCommitMode(CommitMode::kDirect));
    ASSERT_THAT(sim_->Open(), IsOk());
    ASSERT_THAT(store().CreateTopic({"a", 20, {}}), IsOk());
    sim_->runtime().RunFor(absl::Seconds(10));
  }
  LogStore& store() { return sim_->store(); }

  // The next operation of this kind on a path that contains `part` fails once.
  void FailOnce(FsOpKind kind, const std::string& part) {
    fs_.SetFault([this, kind, part, done = false](const FsOp& op) mutable {
      if (done || op.kind != kind || !absl::StrContains(op.path, part)) return absl::OkStatus();
      done = true;
      failed_ = true;
      return MakeError(ErrorCode::kStorageError, "the disk failed");
    });
  }

  MemoryFileSystem fs_;
  bool failed_ = false;
  std::unique_ptr<SimStore> sim_;
};

TEST_F(StoreFailureTest, SyncThatFailsOnceIsNeverAcknowledged) {
  ASSERT_THAT(sim_->Append("a", 0, {"before"}), IsOk());
  sim_->runtime().RunUntilIdle();
  FailOnce(FsOpKind::kSync, "/a-0/");
  ASSERT_THAT(sim_->Append("a", 0, {"lost"}), IsOk());
  ASSERT_THAT(sim_->Append("a", 1, {"of the same group"}), IsOk());
  sim_->runtime().RunUntilIdle();
  EXPECT_TRUE(failed_);
  EXPECT_THAT(sim_->listener().failures(), SizeIs(1));
  EXPECT_THAT(sim_->listener().errors(), SizeIs(2));
  // The disk would say yes now; nobody asks it.
  EXPECT_FALSE(sim_->Append("a", 0, {"again"}).ok());
  sim_->Append("a", 2, {"elsewhere"}).IgnoreError();
  sim_->runtime().RunFor(absl::Seconds(10));
  EXPECT_THAT(sim_->listener().failures(), SizeIs(1));
  for (uint32_t p = 0; p < 3; ++p) {
    const PartitionLog& log = *store().FindTopic("a")->partitions[p];
    EXPECT_EQ(log.marks().durable, p == 0 ? 1 : 0);
    EXPECT_EQ(sim_->listener().Durable(log.id()), p == 0 ? 1 : 0);
  }
  EXPECT_FALSE(store().Close().ok());
  sim_.reset();
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  SimStore next(fs_, 2);
  ASSERT_THAT(next.Open(), IsOk());
  EXPECT_FALSE(next.store().recovery().clean);
  EXPECT_THAT(next.ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"before"}));
}

TEST_F(StoreFailureTest, FailureAmongManyFilesFailsTheWholeGroup) {
  FailOnce(FsOpKind::kSync, "/a-7/");
  for (uint32_t p = 0; p < 20; ++p) ASSERT_THAT(sim_->Append("a", p, {"x"}), IsOk());
  sim_->runtime().RunUntilIdle();
  EXPECT_TRUE(failed_);
  EXPECT_THAT(sim_->listener().failures(), SizeIs(1));
  EXPECT_THAT(sim_->listener().errors(), SizeIs(20));
}

TEST_F(StoreFailureTest, FailedDirectorySyncOfANewTopicIsFinal) {
  FailOnce(FsOpKind::kSyncDir, "/topics");
  EXPECT_FALSE(store().CreateTopic({"b", 2, {}}).ok());
  EXPECT_THAT(sim_->listener().failures(), SizeIs(1));
  EXPECT_EQ(store().FindTopic("b"), nullptr);
  EXPECT_FALSE(store().CreateTopic({"c", 1, {}}).ok());
  EXPECT_FALSE(store().DeleteTopic("a").ok());
}

TEST_F(StoreFailureTest, FailedSyncOfTheMetadataLogIsFinal) {
  FailOnce(FsOpKind::kSync, "__metadata-0");
  EXPECT_FALSE(store().CreateTopic({"b", 2, {}}).ok());
  EXPECT_THAT(sim_->listener().failures(), SizeIs(1));
  EXPECT_FALSE(store().DeleteTopic("a").ok());
}

TEST_F(StoreFailureTest, FailedSyncOfTheCheckpointIsFinal) {
  FailOnce(FsOpKind::kSync, "checkpoint");
  ASSERT_THAT(sim_->Append("a", 0, {"x"}), IsOk());
  sim_->runtime().RunFor(absl::Seconds(10));
  EXPECT_TRUE(failed_);
  EXPECT_THAT(sim_->listener().failures(), SizeIs(1));
}

TEST_F(StoreFailureTest, FailedSyncStopsTheStart) {
  sim_.reset();
  fs_.Crash(CrashPolicy::kProcess, 1);
  FailOnce(FsOpKind::kSync, "/a-3/");
  SimStore next(fs_, 2);
  EXPECT_THAT(next.Open(), StatusIs(ErrorCode::kStorageError));
  fs_.SetFault(nullptr);
  EXPECT_THAT(next.Open(), IsOk());
}

// Getting no descriptor loses nothing, wherever it happens: what was asked for fails or waits, and is
// possible again later.
TEST_F(StoreFailureTest, NoDescriptorIsNoFailureOfTheDisk) {
  const auto opens = [](FsOpKind kind) {
    return kind == FsOpKind::kOpen || kind == FsOpKind::kOpenDir || kind == FsOpKind::kCreate ||
           kind == FsOpKind::kList;
  };
  for (int nth = 1; nth < 60; ++nth) {
    int count = 0;
    fs_.SetFault([&](const FsOp& op) {
      return opens(op.kind) && ++count >= nth ? MakeError(ErrorCode::kLimitExceeded, "too many open files")
                                              : absl::OkStatus();
    });
    store().CreateTopic({"b", 3, {{"segment_bytes", "1KiB"}}}).IgnoreError();
    for (uint32_t p = 0; p < 3; ++p) {
      for (int i = 0; i < 3; ++i) sim_->Append("b", p, {std::string(500, 'x')}).IgnoreError();
    }
    sim_->runtime().RunFor(absl::Seconds(10));
    store().AlterTopic("b", {{}, {}, 5}).IgnoreError();
    const absl::Status deleted = store().DeleteTopic("b");
    sim_->runtime().RunFor(absl::Seconds(10));
    fs_.SetFault(nullptr);
    ASSERT_THAT(sim_->listener().failures(), IsEmpty()) << "open number " << nth;
    const TopicPtr topic = store().FindTopic("b");
    if (deleted.ok()) {
      EXPECT_EQ(topic, nullptr);
      continue;
    }
    // What was refused before can be done now.
    if (topic != nullptr) {
      for (uint32_t p = 0; p < topic->partitions.size(); ++p) {
        ASSERT_THAT(sim_->Append("b", p, {std::string(500, 'x')}), IsOk());
      }
      sim_->runtime().RunUntilIdle();
      for (const auto& log : topic->partitions) EXPECT_EQ(log->marks().durable, log->marks().end);
      ASSERT_THAT(store().DeleteTopic("b"), IsOk());
    }
    ASSERT_THAT(store().CreateTopic({"b", 1, {}}), IsOk());
    ASSERT_THAT(store().DeleteTopic("b"), IsOk());
    sim_->runtime().RunUntilIdle();
  }
  EXPECT_THAT(store().Close(), IsOk());
}

TEST_F(StoreFailureTest, FullDiskRefusesAndRecoversByItself) {
  ASSERT_THAT(store().CreateTopic({"big", 1, {}}), IsOk());
  ASSERT_THAT(sim_->Append("big", 0, {std::string(100'000, 'b')}), IsOk());
  ASSERT_THAT(sim_->Append("a", 0, {"kept"}), IsOk());
  sim_->runtime().RunUntilIdle();
  ASSERT_OK_AND_ASSIGN(const uint64_t room, fs_.FreeSpace(kStoreDir));
  fs_.SetCapacity((uint64_t{1} << 50) - room + 1000);
  EXPECT_THAT(sim_->Append("a", 0, {std::string(5000, 'x')}), StatusIs(ErrorCode::kDiskFull));
  EXPECT_GT(store().stats().disk_full_errors, 0u);
  EXPECT_THAT(sim_->ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"kept"}));
  EXPECT_THAT(sim_->listener().failures(), IsEmpty());
  // Deleting makes room, and writing goes on.
  ASSERT_THAT(store().DeleteTopic("big"), IsOk());
  sim_->runtime().RunUntilIdle();
  EXPECT_THAT(sim_->Append("a", 0, {std::string(5000, 'x')}), IsOk());
  sim_->runtime().RunUntilIdle();
  EXPECT_EQ(store().FindTopic("a")->partitions[0]->marks().durable, 2);
}

TEST_F(StoreFailureTest, ATopicCanBeDeletedWithNotOneByteLeft) {
  ASSERT_OK_AND_ASSIGN(const uint64_t room, fs_.FreeSpace(kStoreDir));
  fs_.SetCapacity((uint64_t{1} << 50) - room);
  EXPECT_THAT(store().CreateTopic({"b", 1, {}}), StatusIs(ErrorCode::kDiskFull));
  EXPECT_EQ(store().FindTopic("b"), nullptr);
  ASSERT_THAT(store().DeleteTopic("a"), IsOk());
  fs_.SetCapacity(uint64_t{1} << 50);
  // Nothing of the refused topic is in the way.
  ASSERT_THAT(store().CreateTopic({"b", 1, {}}), IsOk());
  ASSERT_THAT(store().Close(), IsOk());
  SimStore next(fs_, 2);
  sim_.reset();
  ASSERT_THAT(next.Open(), IsOk());
  EXPECT_THAT(next.store().Topics(), SizeIs(1));
}

}  // namespace
}  // namespace leat
