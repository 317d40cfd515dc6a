#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/storage/log_world.h"

namespace leat {
namespace {

constexpr int64_t kTime = 1'700'000'000'000;

class LogReadTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(world_.Create(), IsOk()); }
  void Append(const std::vector<int64_t>& timestamps, Codec codec = Codec::kNone) {
    std::vector<TestRecord> records;
    for (const int64_t timestamp : timestamps) {
      TestRecord& record = records.emplace_back();
      record.timestamp_ms = kTime + timestamp;
      record.value = "some value";
    }
    ASSERT_THAT(world_.Append(MakeBatch(records, {.codec = codec})), IsOk());
  }
  void ExpectFound(int64_t target, Offset offset, int64_t timestamp) {
    ASSERT_OK_AND_ASSIGN(const std::optional<TimestampedOffset> found,
                         world_.log->FindTimestamp(kTime + target));
    ASSERT_TRUE(found.has_value()) << target;
    EXPECT_EQ(found->offset, offset) << target;
    EXPECT_EQ(found->timestamp_ms, kTime + timestamp) << target;
  }
  void ExpectNothingFound(int64_t target) {
    ASSERT_OK_AND_ASSIGN(const std::optional<TimestampedOffset> found,
                         world_.log->FindTimestamp(kTime + target));
    EXPECT_FALSE(found.has_value());
  }
  uint64_t Reads(Offset from, uint64_t max_bytes) {
    uint64_t reads = 0;
    world_.fs.SetFault([&reads](const FsOp& op) {
      reads += op.kind == FsOpKind::kRead;
      return absl::OkStatus();
    });
    EXPECT_THAT(world_.log->Read(from, max_bytes), IsOk());
    world_.fs.SetFault(nullptr);
    return reads;
  }

  LogWorld world_;
};

TEST_F(LogReadTest, OutOfRangeNamesTheRange) {
  for (int i = 0; i < 3; ++i) Append({i});
  ASSERT_THAT(world_.Commit(), IsOk());
  const absl::Status status = world_.log->Read(4, 100).status();
  EXPECT_THAT(status, StatusIs(ErrorCode::kOffsetOutOfRange));
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("present are 0 to 3"));
  EXPECT_THAT(world_.log->Read(-1, 100), StatusIs(ErrorCode::kOffsetOutOfRange));
}

TEST_F(LogReadTest, GivesTheBatchThatHoldsTheOffsetAndAtLeastOne) {
  Append({0, 1, 2});
  Append({3, 4});
  ASSERT_THAT(world_.Commit(), IsOk());
  ASSERT_OK_AND_ASSIGN(const LogSlice slice, world_.log->Read(1, 0));
  EXPECT_EQ(slice.position, 0u);
  ASSERT_OK_AND_ASSIGN(const LogSlice second, world_.log->Read(4, 1));
  EXPECT_EQ(second.position, slice.length);
}

// A consumer at the end costs no read of the disk at all, one that goes on where it was none to find its
// place.
// A reader that asks for more than is left of a segment must not wait for what can never come into it.
TEST_F(LogReadTest, SaysWhetherMoreIsThereBehindASlice) {
  TopicConfig config = world_.config;
  config.segment_bytes = 200;
  world_.log->SetConfig(std::make_shared<const TopicConfig>(config));
  for (int i = 0; i < 4; ++i) Append({i});
  ASSERT_THAT(world_.Commit(), IsOk());
  ASSERT_GT(world_.log->state().segments, 1u);
  ASSERT_OK_AND_ASSIGN(const LogSlice first, world_.log->Read(0, 1'000'000));
  EXPECT_TRUE(first.more_follows);
  ASSERT_OK_AND_ASSIGN(const LogSlice cut, world_.log->Read(2, 1));
  EXPECT_TRUE(cut.more_follows);
  ASSERT_OK_AND_ASSIGN(const LogSlice last, world_.log->Read(3, 1'000'000));
  EXPECT_FALSE(last.more_follows);
}

TEST_F(LogReadTest, GoingOnAtTheEndReadsNothing) {
  for (int i = 0; i < 30; ++i) {
    Append({i});
    ASSERT_THAT(world_.Commit(), IsOk());
    EXPECT_EQ(Reads(i, 1 << 20), 0u);
  }
  EXPECT_GT(Reads(17, 1 << 20), 0u);
}

TEST_F(LogReadTest, FindsTheFirstRecordOfATime) {
  Append({10, 20, 30});
  Append({5, 25, 15});  // out of order inside and between batches
  Append({40, 40, 41}, Codec::kZstd);
  ASSERT_THAT(world_.Commit(), IsOk());
  ExpectFound(0, 0, 10);
  ExpectFound(11, 1, 20);
  ExpectFound(30, 2, 30);
  ExpectFound(31, 6, 40);
  ExpectFound(41, 8, 41);
  ExpectNothingFound(42);
}

TEST_F(LogReadTest, FindsNothingThatIsNotVisible) {
  Append({10});
  ASSERT_THAT(world_.Commit(), IsOk());
  Append({20});
  ExpectNothingFound(15);
}

TEST_F(LogReadTest, ADamagedBatchIsDataLossForTheSearchThatNeedsIt) {
  Append({10, 20});
  Append({30});
  ASSERT_THAT(world_.Commit(), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file,
                       world_.fs.Open(world_.PathOf("00000000000000000000.log"), OpenMode::kReadWrite));
  const absl::string_view junk = "junk";
  ASSERT_THAT(file->WriteAt(65, absl::MakeConstSpan(&junk, 1)), IsOk());
  EXPECT_THAT(world_.log->FindTimestamp(kTime + 5), StatusIs(ErrorCode::kDataLoss));
  ExpectFound(25, 2, 30);
}

// The broker may never have opened it. The search ends where reading has to begin to miss nothing, and those
// behind and before it are found as ever.
TEST_F(LogReadTest, ABatchThatCannotBeOpenedIsFoundAtItsFirstOffset) {
  Append({10}, Codec::kZstd);
  std::string batch = MakeValueBatch({"a"}, kTime + 20);
  BatchHeader header = DecodeBatchHeader(batch);
  batch.replace(kBatchHeaderBytes, std::string::npos, "not a frame");
  header.batch_length = static_cast<int32_t>(batch.size() - kBatchLengthOverhead);
  header.attributes = static_cast<int16_t>(Codec::kZstd);
  header.record_count = 3;
  header.last_offset_delta = 2;
  header.max_timestamp_ms = kTime + 30;
  EncodeBatchHeader(header, absl::MakeSpan(batch));
  SealBatch(absl::MakeSpan(batch));
  ASSERT_THAT(world_.log->Append(header, absl::MakeSpan(batch), CommitUrgency::kNow), IsOk());
  Append({40}, Codec::kZstd);
  ASSERT_THAT(world_.Commit(), IsOk());
  ExpectFound(5, 0, 10);
  ExpectFound(15, 1, 30);
  ExpectFound(30, 1, 30);
  ExpectFound(35, 4, 40);
}

TEST_F(LogReadTest, ADamagedHeaderIsDataLoss) {
  for (int i = 0; i < 4; ++i) Append({i});
  ASSERT_THAT(world_.Commit(), IsOk());
  ASSERT_OK_AND_ASSIGN(const LogSlice third, world_.log->Read(2, 1));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file,
                       world_.fs.Open(world_.PathOf("00000000000000000000.log"), OpenMode::kReadWrite));
  const absl::string_view junk = "junkjunkjunkjunkjunk";
  ASSERT_THAT(file->WriteAt(third.position - third.length, absl::MakeConstSpan(&junk, 1)), IsOk());
  world_.checkpoint = world_.log->checkpoint();
  EXPECT_THAT(world_.log->Read(0, 1), IsOk());
  for (int i = 0; i < 8; ++i) world_.log->Read(0, 1).IgnoreError();
  world_.Drop();
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.log->Read(1, 1), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(world_.log->Read(0, 1), IsOk());
}

TEST_F(LogReadTest, KeepsFewFilesOpen) {
  world_.config.segment_bytes = 200;
  world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  for (int i = 0; i < 60; ++i) {
    Append({i});
    ASSERT_THAT(world_.Commit(), IsOk());
  }
  EXPECT_GT(world_.log->state().segments, 20u);
  ASSERT_THAT(world_.ReadAll(0), IsOk());
  EXPECT_LE(world_.pool->open_files(), 8u);
}

}  // namespace
}  // namespace leat
