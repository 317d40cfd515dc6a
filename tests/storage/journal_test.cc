// The commit journal: its bytes, reading it, and what it does for a store.

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/journal/commit_cost.h"
#include "storage/journal/journal_format.h"
#include "storage/journal/journal_reader.h"
#include "tests/storage/store_harness.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kJournalId[] = "0f8fad5b-d9cb-469f-a165-70867728950e";
constexpr char kDir[] = "/journal";

// A group with one data frame of partition 7 for each length, and a mark of partition 8.
std::string Group(uint64_t epoch, uint64_t first, uint64_t durable, const std::vector<size_t>& lengths) {
  JournalGroupBuilder builder;
  builder.Begin({epoch, first, durable});
  Offset offset = static_cast<Offset>(first) * 10;
  for (const size_t length : lengths) {
    const absl::Span<char> payload = builder.AddData({.partition_id = 7,
                                                      .base_offset = offset,
                                                      .end_offset = offset + 1,
                                                      .segment_base = 0,
                                                      .position = 100},
                                                     static_cast<uint32_t>(length));
    std::fill(payload.begin(), payload.end(), 'p');
    ++offset;
  }
  builder.AddMark({.partition_id = 8, .log_start = 1, .synced = 5, .segment_base = 2, .position = 300});
  return std::string(builder.Finish());
}

TEST(JournalFormatTest, HeaderIsOneBlockWithKnownBytes) {
  const JournalFileHeader header{kJournalId, 3, 17, 16};
  const std::string block = EncodeJournalFileHeader(header);
  ASSERT_EQ(block.size(), kJournalBlockBytes);
  EXPECT_EQ(block.substr(0, 8), "LEATJRNL");
  EXPECT_EQ(absl::BytesToHexString(block.substr(8, 48)),
            "00000001"
            "00000000"
            "0f8fad5bd9cb469fa16570867728950e"
            "0000000000000003"
            "0000000000000011"
            "0000000000000010");
  JournalFileHeader decoded;
  EXPECT_EQ(DecodeJournalFileHeader(block, decoded), JournalFileState::kValid);
  EXPECT_EQ(decoded, header);
  EXPECT_EQ(DecodeJournalFileHeader(std::string(kJournalBlockBytes, '\0'), decoded),
            JournalFileState::kBlank);
  EXPECT_EQ(DecodeJournalFileHeader("", decoded), JournalFileState::kBlank);
  EXPECT_EQ(DecodeJournalFileHeader(block.substr(0, 40), decoded), JournalFileState::kDamaged);
  for (size_t at = 0; at < 60; ++at) {
    std::string flipped = block;
    flipped[at] ^= 1;
    EXPECT_EQ(DecodeJournalFileHeader(flipped, decoded), JournalFileState::kDamaged) << at;
  }
}

TEST(JournalFormatTest, GroupsComeBackWholeOrNotAtAll) {
  const std::string bytes = Group(2, 5, 4, {1, 4000, 300});
  EXPECT_EQ(bytes.size(), JournalGroupBuilder::BytesOf(4, 4301));
  const std::optional<ParsedJournalGroup> group = ParseJournalGroup(bytes, 2, 5);
  ASSERT_TRUE(group);
  EXPECT_EQ(group->bytes, bytes.size());
  EXPECT_EQ(group->last_sequence, 9u);
  ASSERT_THAT(group->frames, SizeIs(4));
  EXPECT_EQ(group->frames[1].frame.payload_bytes, 4000u);
  EXPECT_EQ(group->frames[1].frame.sequence, 6u);
  EXPECT_EQ(group->frames[1].frame.durable_sequence, 4u);
  EXPECT_EQ(bytes.substr(group->frames[2].payload_position, 300), std::string(300, 'p'));
  EXPECT_EQ(group->frames[3].frame.type, JournalFrameType::kMark);
  EXPECT_EQ(group->frames[3].frame.end_offset, 5);
  EXPECT_FALSE(ParseJournalGroup(bytes, 3, 5));
  EXPECT_FALSE(ParseJournalGroup(bytes, 2, 6));
  const size_t used = 5 * kJournalFrameBytes + 4301;
  for (size_t length = 0; length < used; length += 37) {
    EXPECT_FALSE(ParseJournalGroup(absl::string_view(bytes).substr(0, length), 2, 5)) << length;
  }
  for (size_t at = 0; at < used; at += 13) {
    std::string flipped = bytes;
    flipped[at] ^= 4;
    EXPECT_FALSE(ParseJournalGroup(flipped, 2, 5)) << at;
  }
}

class JournalReaderTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(fs_.CreateDir(kDir), IsOk()); }

  void Put(uint64_t number, const std::string& bytes) {
    const std::string path = absl::StrCat(kDir, "/", JournalFileName(number));
    fs_.Remove(path).IgnoreError();
    ASSERT_OK_AND_ASSIGN(const auto file, fs_.Open(path, OpenMode::kCreateNew));
    ASSERT_THAT(file->WriteAt(0, {bytes}), IsOk());
  }
  static std::string Header(uint64_t epoch, uint64_t first, uint64_t accepted) {
    return EncodeJournalFileHeader({kJournalId, epoch, first, accepted});
  }
  absl::StatusOr<JournalReading> Read(uint64_t epoch, uint64_t oldest, bool known = true) {
    return ReadJournal(fs_, {kDir, kJournalId, known, epoch, oldest});
  }

  MemoryFileSystem fs_;
};

TEST_F(JournalReaderTest, NothingIsThereBeforeTheFirstEpoch) {
  ASSERT_OK_AND_ASSIGN(const JournalReading reading, Read(0, 0));
  EXPECT_THAT(reading.partitions, IsEmpty());
  EXPECT_EQ(reading.accepted_sequence, 0u);
  EXPECT_EQ(reading.next_file_number, 1u);
}

TEST_F(JournalReaderTest, ReadsOnThroughFilesAndEpochs) {
  // Two groups, then a torn one; the next start accepted up to 6; blank files do not matter.
  Put(1, Header(1, 1, 0) + Group(1, 1, 0, {10}));
  Put(2, Header(1, 4, 0) + Group(1, 4, 3, {10}) + Group(1, 7, 6, {10}).substr(0, 90));
  Put(3, std::string(8192, '\0'));
  Put(4, Header(2, 7, 6) + Group(2, 7, 6, {20}));
  ASSERT_OK_AND_ASSIGN(const JournalReading reading, Read(1, 4));
  EXPECT_EQ(reading.accepted_sequence, 9u);
  EXPECT_EQ(reading.last_epoch, 2u);
  EXPECT_EQ(reading.next_file_number, 5u);
  EXPECT_THAT(reading.files, SizeIs(4));
  const std::vector<RefillPiece>& pieces = reading.partitions.at(7).pieces;
  ASSERT_THAT(pieces, SizeIs(2));
  EXPECT_EQ(pieces[0].base_offset, 40);
  EXPECT_EQ(pieces[0].bytes, 10u);
  EXPECT_EQ(pieces[1].base_offset, 70);
  EXPECT_EQ(pieces[1].bytes, 20u);
  EXPECT_EQ(reading.partitions.at(7).promised.synced, 71);
  EXPECT_EQ(reading.partitions.at(7).promised.position, 120u);
  EXPECT_EQ(reading.partitions.at(8).promised.synced, 5);
}

TEST_F(JournalReaderTest, WhatAStartDidNotAcceptIsNotAcceptedLater) {
  // The group from 4 on is whole now, but the start of epoch 2 did not find it so.
  Put(1, Header(1, 1, 0) + Group(1, 1, 0, {10}) + Group(1, 4, 3, {10}));
  Put(2, Header(2, 4, 3));
  ASSERT_OK_AND_ASSIGN(const JournalReading reading, Read(1, 1));
  EXPECT_EQ(reading.accepted_sequence, 3u);
  EXPECT_THAT(reading.partitions.at(7).pieces, SizeIs(1));
}

TEST_F(JournalReaderTest, TornTailIsTheEnd) {
  const std::string torn = Group(1, 4, 3, {5000});
  for (size_t keep = 0; keep < torn.size() - 4096; keep += 500) {
    Put(1, Header(1, 1, 0) + Group(1, 1, 0, {10}) + torn.substr(0, keep) + std::string(9000, '\0'));
    ASSERT_OK_AND_ASSIGN(const JournalReading reading, Read(1, 1));
    EXPECT_EQ(reading.accepted_sequence, 3u) << keep;
  }
}

TEST_F(JournalReaderTest, DamagedGroupThatWasDurableIsNoTornTail) {
  std::string damaged = Group(1, 4, 3, {10});
  damaged[100] ^= 1;
  const std::string begin = Header(1, 1, 0) + Group(1, 1, 0, {10}) + damaged;
  Put(1, begin + Group(1, 7, 6, {10}));
  EXPECT_THAT(Read(1, 1), StatusIs(ErrorCode::kDataLoss));
  // The next group began before this one was known to be durable: it may be torn.
  Put(1, begin + Group(1, 7, 3, {10}));
  EXPECT_THAT(Read(1, 1), IsOk());
  // The proof may stand in the next file, or in what a later start has accepted.
  Put(1, begin);
  Put(2, Header(1, 7, 0));
  EXPECT_THAT(Read(1, 1), StatusIs(ErrorCode::kDataLoss));
  Put(2, Header(2, 7, 6));
  EXPECT_THAT(Read(1, 1), StatusIs(ErrorCode::kDataLoss));
}

TEST_F(JournalReaderTest, GapsAndMissingFilesAreNoticed) {
  Put(1, Header(1, 1, 0) + Group(1, 1, 0, {10}));
  Put(2, Header(1, 4, 0) + Group(1, 4, 3, {10}));
  Put(3, Header(1, 7, 0) + Group(1, 7, 6, {10}));
  EXPECT_THAT(Read(1, 1), IsOk());
  ASSERT_THAT(fs_.Remove(absl::StrCat(kDir, "/", JournalFileName(2))), IsOk());
  EXPECT_THAT(Read(1, 1), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(Read(1, 7), IsOk());                           // not needed any more
  EXPECT_THAT(Read(1, 11), StatusIs(ErrorCode::kDataLoss));  // the checkpoint knew more
  ASSERT_THAT(fs_.Remove(absl::StrCat(kDir, "/", JournalFileName(1))), IsOk());
  EXPECT_THAT(Read(1, 4), StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(Read(2, 10), StatusIs(ErrorCode::kDataLoss));  // the epoch of the checkpoint is nowhere
  EXPECT_THAT(Read(0, 0, /*known=*/false), IsOk());
}

TEST(CommitCostTest, LearnsWhichWayIsCheaper) {
  CommitCost cost;
  for (int i = 0; i < 100; ++i) {
    cost.LearnSegment(absl::Microseconds(120), 1000);
    cost.LearnJournal(absl::Microseconds(110), 1000);
    cost.LearnJournal(absl::Milliseconds(4), 1 << 20);
  }
  EXPECT_EQ(cost.Cheaper(1, 1 << 20), CommitWay::kDirect);
  EXPECT_EQ(cost.Cheaper(64, 64 << 10), CommitWay::kJournal);
  EXPECT_EQ(cost.Cheaper(2, 4 << 20), CommitWay::kDirect);
  // One outlier does not turn it.
  cost.LearnSegment(absl::Seconds(30), 1000);
  EXPECT_EQ(cost.Cheaper(1, 1 << 20), CommitWay::kDirect);
}

class StoreJournalTest : public testing::Test {
 protected:
  SimStore& Start(StoreOptions options = {}) {
    sim_ = std::make_unique<SimStore>(fs_, 1, WithCommitMode(CommitMode::kJournal, std::move(options)));
    EXPECT_THAT(sim_->Open(), IsOk());
    return *sim_;
  }
  void FailOnce(FsOpKind kind, const std::string& part, ErrorCode code) {
    fs_.SetFault([kind, part, code, done = false](const FsOp& op) mutable {
      if (done || op.kind != kind || !absl::StrContains(op.path, part)) return absl::OkStatus();
      done = true;
      return MakeError(code, "the disk failed");
    });
  }
  OffsetMarks Marks(const std::string& topic, uint32_t partition) {
    return sim_->store().FindTopic(topic)->partitions[partition]->marks();
  }

  MemoryFileSystem fs_;
  std::unique_ptr<SimStore> sim_;
};

TEST_F(StoreJournalTest, DurableBeforeSyncedAndSyncedInTheBackground) {
  SimStore& sim = Start();
  ASSERT_THAT(sim.store().CreateTopic({"a", 3, {}}), IsOk());
  for (uint32_t p = 0; p < 3; ++p) ASSERT_THAT(sim.Append("a", p, {"x"}), IsOk());
  sim.runtime().RunUntilIdle();
  EXPECT_EQ(sim.store().stats().journal_groups, 1u);
  EXPECT_EQ(Marks("a", 0).durable, 1);
  EXPECT_EQ(Marks("a", 0).synced, 0);
  EXPECT_EQ(sim.store().stats().unsynced_partitions, 3u);
  sim.runtime().RunFor(absl::Seconds(2));
  EXPECT_EQ(Marks("a", 2).synced, 1);
  EXPECT_EQ(sim.store().stats().unsynced_partitions, 0u);
}

TEST_F(StoreJournalTest, FullJournalSendsGroupsTheDirectWayAndStaysInItsBound) {
  StoreOptions options;
  options.journal_file_bytes = 16 << 10;
  options.journal_bytes_max = 32 << 10;
  SimStore& sim = Start(options);
  ASSERT_THAT(sim.store().CreateTopic({"a", 1, {}}), IsOk());
  // Faster than the background can follow.
  for (int i = 0; i < 100; ++i) {
    ASSERT_THAT(sim.Append("a", 0, {std::string(3000, 'x')}), IsOk());
    while (Marks("a", 0).durable <= i) sim.runtime().RunFor(absl::ZeroDuration());
    EXPECT_LE(sim.store().stats().journal_bytes, (32u + 16u) << 10);
  }
  EXPECT_LT(sim.store().stats().journal_groups, 100u);
  EXPECT_EQ(sim.store().stats().commit_groups, 100u);
  sim.runtime().RunFor(absl::Seconds(20));
  ASSERT_OK_AND_ASSIGN(const std::vector<DirEntry> files, fs_.List("/data/journal"));
  EXPECT_LE(files.size(), 2u);
}

TEST_F(StoreJournalTest, FilesGoWhenTheSegmentsAndACheckpointHaveFollowed) {
  StoreOptions options;
  options.journal_file_bytes = 64 << 10;
  SimStore& sim = Start(options);
  ASSERT_THAT(sim.store().CreateTopic({"a", 2, {}}), IsOk());
  for (int i = 0; i < 200; ++i) {
    ASSERT_THAT(sim.Append("a", i % 2, {std::string(3000, 'x')}), IsOk());
    sim.runtime().RunFor(absl::Milliseconds(1));
  }
  EXPECT_GT(sim.store().stats().journal_files, 5u);
  sim.runtime().RunFor(absl::Seconds(20));
  EXPECT_LE(sim.store().stats().journal_files, 2u);
}

TEST_F(StoreJournalTest, FailedSyncOfTheJournalIsFinal) {
  SimStore& sim = Start();
  ASSERT_THAT(sim.store().CreateTopic({"a", 2, {}}), IsOk());
  FailOnce(FsOpKind::kSync, ".journal", ErrorCode::kStorageError);
  ASSERT_THAT(sim.Append("a", 0, {"x"}), IsOk());
  ASSERT_THAT(sim.Append("a", 1, {"x"}), IsOk());
  sim.runtime().RunUntilIdle();
  EXPECT_THAT(sim.listener().failures(), SizeIs(1));
  EXPECT_THAT(sim.listener().errors(), SizeIs(2));
  EXPECT_EQ(Marks("a", 0).durable, 0);
  EXPECT_FALSE(sim.Append("a", 0, {"again"}).ok());
}

TEST_F(StoreJournalTest, FailedSyncInTheBackgroundIsFinal) {
  SimStore& sim = Start();
  ASSERT_THAT(sim.store().CreateTopic({"a", 1, {}}), IsOk());
  ASSERT_THAT(sim.Append("a", 0, {"x"}), IsOk());
  sim.runtime().RunUntilIdle();
  EXPECT_EQ(Marks("a", 0).durable, 1);
  FailOnce(FsOpKind::kSync, "/a-0/", ErrorCode::kStorageError);
  sim.runtime().RunFor(absl::Seconds(5));
  EXPECT_THAT(sim.listener().failures(), SizeIs(1));
  EXPECT_FALSE(sim.Append("a", 0, {"more"}).ok());
  sim_.reset();
  fs_.SetFault(nullptr);
  fs_.Crash(CrashPolicy::kPowerLossAll, 3);
  // What was acknowledged comes back from the journal.
  EXPECT_THAT(Start().ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"x"}));
  EXPECT_GT(sim_->store().recovery().bytes_refilled, 0u);
}

TEST_F(StoreJournalTest, UnwritableJournalIsGoneAround) {
  for (const FsOpKind kind : {FsOpKind::kWrite, FsOpKind::kCreate}) {
    SimStore& sim = Start();
    const std::string topic = absl::StrCat("t", static_cast<int>(kind));
    ASSERT_THAT(sim.store().CreateTopic({topic, 1, {}}), IsOk());
    fs_.SetFault([kind](const FsOp& op) {
      return op.kind == kind && absl::StrContains(op.path, ".journal")
                 ? MakeError(ErrorCode::kDiskFull, "no room")
                 : absl::OkStatus();
    });
    for (int i = 0; i < 5; ++i) {
      ASSERT_THAT(sim.Append(topic, 0, {"x"}), IsOk());
      sim.runtime().RunUntilIdle();
      EXPECT_EQ(Marks(topic, 0).durable, i + 1);
    }
    fs_.SetFault(nullptr);
    sim.runtime().RunFor(absl::Seconds(3));
    const uint64_t before = sim.store().stats().journal_groups;
    ASSERT_THAT(sim.Append(topic, 0, {"x"}), IsOk());
    sim.runtime().RunFor(absl::Seconds(3));
    ASSERT_THAT(sim.Append(topic, 0, {"x"}), IsOk());
    sim.runtime().RunFor(absl::Seconds(3));
    EXPECT_GT(sim.store().stats().journal_groups, before);
    EXPECT_THAT(sim.listener().failures(), IsEmpty());
    fs_.Crash(CrashPolicy::kPowerLossAll, 3);
    EXPECT_THAT(Start().ReadAll(topic, 0), IsOkAndHolds(std::vector<std::string>(7, "x")));
    sim_.reset();
  }
}

TEST_F(StoreJournalTest, JournalMayLieElsewhere) {
  StoreOptions options;
  options.journal_dir = "/other/disk/journal";
  SimStore& sim = Start(options);
  ASSERT_THAT(sim.store().CreateTopic({"a", 1, {}}), IsOk());
  ASSERT_THAT(sim.Append("a", 0, {"x"}), IsOk());
  sim.runtime().RunUntilIdle();
  EXPECT_THAT(fs_.Exists("/data/journal"), IsOkAndHolds(false));
  sim_.reset();
  fs_.Crash(CrashPolicy::kPowerLossAll, 3);
  {
    SimStore elsewhere(fs_, 2);
    const absl::Status opened = elsewhere.Open();
    EXPECT_THAT(opened, StatusIs(ErrorCode::kDataLoss));
    EXPECT_THAT(std::string(opened.message()), HasSubstr("journal_dir"));
  }
  EXPECT_THAT(Start(options).ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"x"}));
}

// The journal heals what a power loss or a bad sector did to a segment that was not synced yet.
TEST_F(StoreJournalTest, FramesWinOverWhatTheSegmentsHold) {
  SimStore& sim = Start();
  ASSERT_THAT(sim.store().CreateTopic({"a", 1, {}}), IsOk());
  ASSERT_THAT(sim.Append("a", 0, {"first"}), IsOk());
  ASSERT_THAT(sim.Append("a", 0, {"second"}), IsOk());
  sim.runtime().RunUntilIdle();
  sim_.reset();
  fs_.Crash(CrashPolicy::kProcess, 1);
  {
    ASSERT_OK_AND_ASSIGN(const auto file,
                         fs_.Open("/data/topics/a-0/00000000000000000000.log", OpenMode::kReadWrite));
    ASSERT_THAT(file->WriteAt(10, {"rubbish"}), IsOk());
    ASSERT_THAT(file->Sync(), IsOk());
  }
  EXPECT_THAT(Start().ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(sim_->store().recovery().partitions_fenced, 0u);
}

}  // namespace
}  // namespace leat
