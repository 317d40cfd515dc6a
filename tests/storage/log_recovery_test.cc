#include "storage/log/recovery.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/storage/log_world.h"

namespace leat {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kFirst[] = "00000000000000000000.log";

class LogRecoveryTest : public ::testing::Test {
 protected:
  // `count` batches of one record each, committed; segments of 5 batches.
  void Fill(int count) {
    ASSERT_THAT(world_.Create(), IsOk());
    for (int i = 0; i < count; ++i) ASSERT_THAT(world_.Append(Batch(i)), IsOk());
    ASSERT_THAT(world_.Commit(), IsOk());
    world_.runtime.RunUntilIdle();
  }
  static std::string Batch(int i) {
    return MakeValueBatch({"value " + std::to_string(1000 + i) + std::string(30, '.')},
                          1'700'000'000'000 + i);
  }
  static size_t BatchBytes() { return Batch(0).size(); }

  // The process dies; the checkpoint says what `synced` batches of the first segment say.
  void Die(std::optional<int> synced) {
    world_.checkpoint.reset();
    if (synced) {
      world_.checkpoint = CheckpointEntry{.partition_id = 7,
                                          .synced = *synced,
                                          .segment_base = 0,
                                          .position = static_cast<uint64_t>(*synced) * BatchBytes()};
    }
    world_.Drop();
  }
  std::string Log() { return world_.Get(kFirst); }
  Offset End() { return world_.log->marks().end; }

  LogWorld world_;
};

TEST_F(LogRecoveryTest, CutsATornTailAtEveryByteOfTheLastBatch) {
  Fill(4);
  Die(2);
  const std::string whole = Log();
  const size_t last_at = 3 * BatchBytes();
  for (const bool with_checkpoint : {true, false}) {
    for (size_t size = last_at; size < whole.size(); ++size) {
      world_.Put(kFirst, whole.substr(0, size));
      Die(with_checkpoint ? std::optional<int>(2) : std::nullopt);
      ASSERT_THAT(world_.Open(), IsOk());
      EXPECT_EQ(End(), 3);
      EXPECT_EQ(world_.recovered.bytes_cut, size - last_at);
      EXPECT_EQ(Log(), whole.substr(0, last_at));
      if (size > last_at) {
        EXPECT_EQ(world_.Get("00000000000000000000.torn-" + std::to_string(last_at)),
                  whole.substr(last_at, size - last_at));
        EXPECT_THAT(world_.fs.Remove(world_.PathOf("00000000000000000000.torn-" + std::to_string(last_at))),
                    IsOk());
      }
      ASSERT_THAT(world_.Append(Batch(3)), IsOk());
      ASSERT_THAT(world_.Commit(), IsOk());
      EXPECT_EQ(Log(), whole);
    }
  }
}

TEST_F(LogRecoveryTest, CutsAZeroTailAndGarbage) {
  Fill(3);
  const std::string whole = Log();
  for (const std::string& tail : {std::string(5000, '\0'), std::string(100, '\xff'), std::string("x")}) {
    world_.Put(kFirst, whole + tail);
    Die(1);
    ASSERT_THAT(world_.Open(), IsOk());
    EXPECT_EQ(Log(), whole);
    EXPECT_EQ(world_.recovered.bytes_cut, tail.size());
    EXPECT_THAT(world_.recovered.notes, Contains(HasSubstr("cut 00000000000000000000.log from byte")));
  }
}

TEST_F(LogRecoveryTest, EveryFlippedByteAboveTheCheckpointEndsTheLogThere) {
  Fill(3);
  const std::string whole = Log();
  for (size_t at = BatchBytes(); at < whole.size(); ++at) {
    // The leader epoch is the broker's own and not covered by the checksum.
    const size_t in_batch = at % BatchBytes();
    if (in_batch >= 12 && in_batch < 16) continue;
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    world_.Put(kFirst, damaged);
    Die(1);
    ASSERT_THAT(world_.Open(), IsOk());
    EXPECT_EQ(End(), static_cast<Offset>(at / BatchBytes())) << "byte " << at;
    EXPECT_TRUE(world_.recovered.write_status.ok());
  }
}

TEST_F(LogRecoveryTest, WithoutACheckpointDamageBeforeAValidBatchFences) {
  Fill(3);
  std::string damaged = Log();
  damaged[BatchBytes() + 80] ^= 1;
  world_.Put(kFirst, damaged);
  Die(std::nullopt);
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(world_.Open(), IsOk());
    EXPECT_EQ(Log(), damaged);
    EXPECT_THAT(world_.recovered.write_status, StatusIs(ErrorCode::kPartitionFenced));
    EXPECT_EQ(world_.log->checkpoint(), std::nullopt);
    EXPECT_THAT(world_.Append(Batch(3)), StatusIs(ErrorCode::kPartitionFenced));
    ASSERT_OK_AND_ASSIGN(const LogSlice slice, world_.log->Read(0, 1 << 20));
    EXPECT_EQ(slice.length, BatchBytes());
    EXPECT_THAT(world_.log->Read(1, 100), StatusIs(ErrorCode::kDataLoss));
    EXPECT_TRUE(ResumeOffsetOf(world_.log->Read(1, 100).status()).has_value());
    EXPECT_THAT(world_.log->Read(2, 100), StatusIs(ErrorCode::kDataLoss));
    EXPECT_EQ(End(), 3);
    world_.Drop();
  }
}

TEST_F(LogRecoveryTest, NoFlippedByteBelowTheCheckpointCutsAnything) {
  Fill(4);
  const std::string whole = Log();
  for (size_t at = BatchBytes(); at < 2 * BatchBytes(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x15);
    world_.Put(kFirst, damaged);
    world_.Put("00000000000000000000.index", "");  // so that all headers are walked
    Die(4);
    ASSERT_THAT(world_.Open(), IsOk());
    EXPECT_EQ(Log(), damaged) << "byte " << at;
    EXPECT_EQ(world_.recovered.bytes_cut, 0u) << "byte " << at;
    EXPECT_EQ(End(), 4) << "byte " << at;
  }
}

TEST_F(LogRecoveryTest, AShortFileBelowTheCheckpointFences) {
  Fill(3);
  const std::string whole = Log();
  world_.Put(kFirst, whole.substr(0, BatchBytes() + 10));
  Die(3);
  const std::optional<CheckpointEntry> before = world_.checkpoint;
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.recovered.write_status, StatusIs(ErrorCode::kPartitionFenced));
  EXPECT_THAT(std::string(world_.recovered.write_status.message()), HasSubstr("offset 1"));
  EXPECT_EQ(world_.log->checkpoint(), before);
  EXPECT_THAT(world_.log->Read(0, 100), IsOk());
  EXPECT_THAT(world_.log->Read(2, 100), StatusIs(ErrorCode::kDataLoss));
  EXPECT_EQ(Log().size(), BatchBytes() + 10);
}

TEST_F(LogRecoveryTest, ALostLastSegmentBelowTheCheckpointFences) {
  world_.config.segment_bytes = static_cast<int64_t>(5 * BatchBytes());
  Fill(12);
  world_.checkpoint = world_.log->checkpoint();
  EXPECT_EQ(world_.checkpoint->segment_base, 10);
  world_.Drop();
  ASSERT_THAT(world_.fs.Remove(world_.PathOf("00000000000000000010.log")), IsOk());
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.recovered.write_status, StatusIs(ErrorCode::kPartitionFenced));
  EXPECT_THAT(world_.log->Read(9, 100), IsOk());
  EXPECT_THAT(world_.log->Read(11, 100), StatusIs(ErrorCode::kDataLoss));
}

TEST_F(LogRecoveryTest, ADamagedSealedSegmentIsQuarantinedAndWritingGoesOn) {
  world_.config.segment_bytes = static_cast<int64_t>(5 * BatchBytes());
  Fill(12);
  ASSERT_THAT(world_.CloseCleanly(), IsOk());
  std::string middle = world_.Get("00000000000000000005.log");
  world_.Put("00000000000000000005.log", middle.substr(0, 2 * BatchBytes()));
  ASSERT_THAT(world_.Open(true), IsOk());
  EXPECT_THAT(world_.recovered.write_status, IsOk());
  EXPECT_THAT(world_.recovered.notes, Contains(HasSubstr("quarantined 00000000000000000005.log")));
  EXPECT_THAT(world_.log->Read(6, 100), IsOk());
  EXPECT_THAT(world_.log->Read(7, 100), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(std::string(world_.log->Read(8, 100).status().message()), HasSubstr("offsets 7 to 9"));
  EXPECT_THAT(world_.log->Read(10, 100), IsOk());
  EXPECT_THAT(world_.Append(Batch(12)), IsOk());
  EXPECT_THAT(world_.Commit(), IsOk());
}

TEST_F(LogRecoveryTest, SegmentsBehindACutAreSetAside) {
  world_.config.segment_bytes = static_cast<int64_t>(5 * BatchBytes());
  Fill(12);
  const std::string third = world_.Get("00000000000000000010.log");
  std::string second = world_.Get("00000000000000000005.log");
  second[BatchBytes() + 70] ^= 1;
  world_.Put("00000000000000000005.log", second);
  Die(5);
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_EQ(End(), 6);
  EXPECT_EQ(world_.Get("00000000000000000010.torn-0"), third);
  EXPECT_THAT(world_.Names(), Not(Contains("00000000000000000010.log")));
  EXPECT_THAT(world_.Names(), Not(Contains("00000000000000000010.index")));
  EXPECT_THAT(world_.Append(Batch(6)), IsOk());
}

TEST_F(LogRecoveryTest, SweepsItsOwnLeftoversAndReportsStrangers) {
  Fill(2);
  Die(2);
  world_.Put("next-segment.tmp", "");
  world_.Put("00000000000000000000.index.tmp", "half");
  world_.Put("00000000000000000099.index", "orphan");
  world_.Put("notes.txt", "mine");
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_THAT(world_.Names(), Contains("notes.txt"));
  EXPECT_THAT(world_.recovered.notes, Contains(HasSubstr("notes.txt")));
  EXPECT_THAT(world_.Names(), Not(Contains("next-segment.tmp")));
  EXPECT_THAT(world_.Names(), Not(Contains("00000000000000000000.index.tmp")));
  EXPECT_THAT(world_.Names(), Not(Contains("00000000000000000099.index")));
}

// The directory was durable before the topic was.
TEST_F(LogRecoveryTest, ALostDirectoryIsNoEmptyPartition) {
  for (const bool younger_than_the_checkpoint : {true, false}) {
    world_.checkpoint.reset();
    if (younger_than_the_checkpoint) world_.checkpoint = CheckpointEntry{.partition_id = 7};
    ASSERT_THAT(world_.Open(), IsOk());
    EXPECT_THAT(world_.Append(Batch(0)), StatusIs(ErrorCode::kPartitionFenced));
    world_.Drop();
  }
}

TEST_F(LogRecoveryTest, ADamagedHeaderAtTheEndOfASealedSegmentIsQuarantined) {
  world_.config.segment_bytes = static_cast<int64_t>(5 * BatchBytes());
  Fill(12);
  ASSERT_THAT(world_.CloseCleanly(), IsOk());
  const std::string middle = world_.Get("00000000000000000005.log");
  // The last offset delta, so that the segment seems to end before or behind the start of the next.
  for (const char bit : {1, 2, 64}) {
    std::string damaged = middle;
    damaged[4 * BatchBytes() + 26] ^= bit;
    world_.Put("00000000000000000005.log", damaged);
    ASSERT_THAT(world_.Open(true), IsOk());
    EXPECT_THAT(world_.recovered.write_status, IsOk());
    EXPECT_THAT(world_.log->Read(8, 100), IsOk());
    EXPECT_THAT(std::string(world_.log->Read(9, 100).status().message()), HasSubstr("offsets 9 to 9"));
    EXPECT_THAT(world_.log->Read(10, 100), IsOk());
    ASSERT_THAT(world_.CloseCleanly(), IsOk());
  }
}

TEST_F(LogRecoveryTest, AFailedSyncStopsRecovery) {
  Fill(2);
  Die(1);
  world_.fs.SetFault([](const FsOp& op) {
    return op.kind == FsOpKind::kSync ? MakeError(ErrorCode::kStorageError, "broken") : absl::OkStatus();
  });
  EXPECT_THAT(world_.Open(), StatusIs(ErrorCode::kStorageError));
}

TEST_F(LogRecoveryTest, AFullDiskDoesNotKeepATornLogFromOpening) {
  Fill(2);
  const std::string whole = Log();
  world_.Put(kFirst, whole + std::string(5000, 'x'));
  Die(1);
  world_.fs.SetFault([](const FsOp& op) {
    return op.kind == FsOpKind::kWrite ? MakeError(ErrorCode::kDiskFull, "full") : absl::OkStatus();
  });
  ASSERT_THAT(world_.Open(), IsOk());
  EXPECT_EQ(Log(), whole);
  EXPECT_THAT(world_.recovered.notes, Contains(HasSubstr("no room to save")));
}

TEST_F(LogRecoveryTest, ACleanStopIsBelievedOnlyAsFarAsTheFilesAgree) {
  Fill(3);
  ASSERT_THAT(world_.CloseCleanly(), IsOk());
  ASSERT_THAT(world_.Open(true), IsOk());
  EXPECT_EQ(world_.recovered.batches_scanned, 0u);
  EXPECT_THAT(world_.recovered.notes, IsEmpty());
  ASSERT_THAT(world_.CloseCleanly(), IsOk());
  world_.Put(kFirst, Log() + "surplus");
  ASSERT_THAT(world_.Open(true), IsOk());
  EXPECT_EQ(world_.recovered.bytes_cut, 7u);
}

}  // namespace
}  // namespace leat
