#include "storage/meta/checkpoint.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/endian.h"
#include "storage/meta/format_file.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

constexpr char kId[] = "0123abcd-4567-4899-abcd-ef0123456789";

Checkpoint Sample() {
  Checkpoint checkpoint;
  checkpoint.data_id = kId;
  checkpoint.sequence = 42;
  checkpoint.clean = true;
  checkpoint.entries = {{0, 0, 5, 0, 500}, {3, 10, 20, 10, 1000}, {9, 0, 0, 0, 0}};
  checkpoint.unproven = {4, 7};
  return checkpoint;
}

std::string Resealed(std::string bytes) {
  bytes.resize(bytes.size() - 4);
  char crc[4];
  StoreBigEndian(crc, Crc32c(bytes));
  return bytes.append(crc, 4);
}

TEST(CheckpointTest, RoundTrip) {
  EXPECT_THAT(DecodeCheckpoint(EncodeCheckpoint(Sample())), IsOkAndHolds(Sample()));
  Checkpoint empty;
  empty.data_id = kId;
  EXPECT_THAT(DecodeCheckpoint(EncodeCheckpoint(empty)), IsOkAndHolds(empty));
}

TEST(CheckpointTest, LayoutStaysWhatItIs) {
  const std::string bytes = EncodeCheckpoint(Sample());
  ASSERT_EQ(bytes.size(), 64 + 3 * 40 + 2 * 8 + 4u);
  EXPECT_EQ(bytes.substr(0, 8), "LEATCKPT");
  EXPECT_EQ(LoadBigEndian<uint32_t>(bytes.data() + 8), 1u);
  EXPECT_EQ(LoadBigEndian<uint32_t>(bytes.data() + 12), 1u);
  EXPECT_EQ(LoadBigEndian<uint32_t>(bytes.data() + 16), 0x0123abcdu);
  EXPECT_EQ(LoadBigEndian<uint64_t>(bytes.data() + 32), 42u);
  EXPECT_EQ(LoadBigEndian<uint32_t>(bytes.data() + 56), 3u);
  EXPECT_EQ(LoadBigEndian<uint32_t>(bytes.data() + 60), 2u);
  EXPECT_EQ(LoadBigEndian<uint64_t>(bytes.data() + 64 + 40 + 16), 20u);
}

TEST(CheckpointTest, EveryFlippedBitAndEveryPrefixIsNoticed) {
  const std::string bytes = EncodeCheckpoint(Sample());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    EXPECT_THAT(DecodeCheckpoint(flipped), StatusIs(ErrorCode::kDataLoss));
  }
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_THAT(DecodeCheckpoint(bytes.substr(0, length)), StatusIs(ErrorCode::kDataLoss));
  }
}

TEST(CheckpointTest, CountsBeyondTheBytesAllocateNothing) {
  std::string bytes = EncodeCheckpoint(Sample());
  StoreBigEndian(bytes.data() + 56, uint32_t{0xffffffff});
  EXPECT_THAT(DecodeCheckpoint(Resealed(bytes)), StatusIs(ErrorCode::kDataLoss));
}

TEST(CheckpointTest, ContradictionsUnderAGoodChecksumAreNoticed) {
  const auto broken = [](auto change) {
    Checkpoint checkpoint = Sample();
    change(checkpoint);
    return DecodeCheckpoint(EncodeCheckpoint(checkpoint));
  };
  EXPECT_THAT(broken([](Checkpoint& c) { c.entries[1].partition_id = 0; }), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(broken([](Checkpoint& c) { c.entries[1].log_start = 21; }), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(broken([](Checkpoint& c) { c.entries[1].segment_base = 21; }), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(broken([](Checkpoint& c) { c.entries[0].segment_base = -1; }), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(broken([](Checkpoint& c) { c.unproven = {7, 7}; }), StatusIs(ErrorCode::kDataLoss));
}

class CheckpointFileTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(fs_.CreateDir("/meta"), IsOk()); }

  CheckpointReading::State StateNow() {
    const absl::StatusOr<CheckpointReading> reading = ReadCheckpoint(fs_, "/meta", kId);
    EXPECT_THAT(reading, IsOk());
    return reading.ok() ? reading->state : CheckpointReading::State::kAbsent;
  }

  MemoryFileSystem fs_;
};

TEST_F(CheckpointFileTest, AbsentValidAndUnreadableAreThreeThings) {
  EXPECT_EQ(StateNow(), CheckpointReading::State::kAbsent);
  ASSERT_THAT(WriteCheckpoint(fs_, "/meta", Sample()), IsOk());
  EXPECT_EQ(StateNow(), CheckpointReading::State::kValid);
  std::string bytes = EncodeCheckpoint(Sample());
  bytes[20] ^= 1;
  ASSERT_THAT(ReplaceFile(fs_, "/meta", "checkpoint", bytes), IsOk());
  EXPECT_EQ(StateNow(), CheckpointReading::State::kUnreadable);
  ASSERT_THAT(ReplaceFile(fs_, "/meta", "checkpoint", ""), IsOk());
  EXPECT_EQ(StateNow(), CheckpointReading::State::kUnreadable);
}

TEST_F(CheckpointFileTest, OneThatCannotBeReadIsNeitherAbsentNorDamaged) {
  ASSERT_THAT(WriteCheckpoint(fs_, "/meta", Sample()), IsOk());
  fs_.SetFault([](const FsOp& op) {
    return op.kind == FsOpKind::kRead ? MakeError(ErrorCode::kStorageError, "broken") : absl::OkStatus();
  });
  EXPECT_THAT(ReadCheckpoint(fs_, "/meta", kId), StatusIs(ErrorCode::kStorageError));
}

TEST_F(CheckpointFileTest, OneOfAnotherDirectoryIsNotBelieved) {
  Checkpoint other = Sample();
  other.data_id = MakeUuid(1, 2);
  ASSERT_THAT(WriteCheckpoint(fs_, "/meta", other), IsOk());
  EXPECT_EQ(StateNow(), CheckpointReading::State::kUnreadable);
}

TEST_F(CheckpointFileTest, NewerOneIsRefused) {
  std::string bytes = EncodeCheckpoint(Sample());
  StoreBigEndian(bytes.data() + 8, uint32_t{2});
  ASSERT_THAT(ReplaceFile(fs_, "/meta", "checkpoint", Resealed(bytes)), IsOk());
  EXPECT_THAT(ReadCheckpoint(fs_, "/meta", kId), StatusIs(ErrorCode::kUnsupportedFormat));
}

TEST_F(CheckpointFileTest, SurvivesPowerLossWhole) {
  ASSERT_THAT(WriteCheckpoint(fs_, "/meta", Sample()), IsOk());
  // The directory of this test itself was never synced.
  ASSERT_THAT(fs_.SyncDir("/"), IsOk());
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(StateNow(), CheckpointReading::State::kValid);
}

}  // namespace
}  // namespace leat
