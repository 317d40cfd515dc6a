#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/storage/log_world.h"

namespace leat {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LogAppendTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(world_.Create(), IsOk()); }
  static std::string Batch(const std::string& value = "value") { return MakeValueBatch({value}); }
  std::vector<std::string> Logs() {
    std::vector<std::string> logs;
    for (const std::string& name : world_.Names()) {
      if (name.find(".log") != std::string::npos) logs.push_back(name);
    }
    return logs;
  }
  OffsetMarks Marks() { return world_.log->marks(); }
  void RollWithEachBatch() {
    world_.config.segment_bytes = static_cast<int64_t>(Batch().size());
    world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  }
  static absl::Status NoDirectoryOpens(const FsOp& op) {
    return op.kind == FsOpKind::kOpenDir ? MakeError(ErrorCode::kLimitExceeded, "too many open files")
                                         : absl::OkStatus();
  }

  LogWorld world_;
};

TEST_F(LogAppendTest, StampsOffsetAndEpochAndMovesTheEnd) {
  ASSERT_OK_AND_ASSIGN(const AppendResult first, world_.Append(MakeValueBatch({"a", "b", "c"})));
  EXPECT_EQ(first.base_offset, 0);
  EXPECT_EQ(first.next_offset, 3);
  EXPECT_EQ(first.marks.end, 3);
  EXPECT_EQ(first.marks.durable, 0);
  ASSERT_OK_AND_ASSIGN(const AppendResult second, world_.Append(Batch()));
  EXPECT_EQ(second.base_offset, 3);
  const std::string log = world_.Get("00000000000000000000.log");
  EXPECT_EQ(log, AtOffset(MakeValueBatch({"a", "b", "c"}), 0, 3) + AtOffset(Batch(), 3, 3));
}

TEST_F(LogAppendTest, NothingIsVisibleBeforeItIsDurable) {
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  EXPECT_EQ(world_.log->visible_offset(), 0);
  EXPECT_THAT(world_.log->Read(1, 100), StatusIs(ErrorCode::kOffsetOutOfRange));
  ASSERT_OK_AND_ASSIGN(const LogSlice none, world_.log->Read(0, 100));
  EXPECT_EQ(none.length, 0u);
  const CommitWork work = world_.log->BeginCommit();
  ASSERT_THAT(world_.Append(Batch()), IsOk());  // after the value was captured
  const CommitOutcome outcome = world_.log->FinishCommit(work, SyncCommitWork(work));
  EXPECT_THAT(outcome.status, IsOk());
  EXPECT_EQ(outcome.marks.durable, 1);
  EXPECT_EQ(outcome.marks.synced, 1);
  EXPECT_EQ(outcome.marks.end, 2);
  EXPECT_EQ(outcome.visible, 1);
  EXPECT_EQ(world_.log->checkpoint()->synced, 1);
  EXPECT_EQ(world_.log->checkpoint()->position, Batch().size());
}

TEST_F(LogAppendTest, AWrittenTopicShowsWhatIsWritten) {
  TopicConfig config = world_.config;
  config.durability = TopicDurability::kWritten;
  world_.log->SetConfig(std::make_shared<const TopicConfig>(config));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  EXPECT_EQ(world_.log->visible_offset(), 1);
  EXPECT_EQ(Marks().durable, 0);
  // Back to durable: what was visible stays so.
  world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  EXPECT_EQ(world_.log->visible_offset(), 1);
  ASSERT_THAT(world_.Commit(), IsOk());
  EXPECT_EQ(world_.log->visible_offset(), 2);
}

TEST_F(LogAppendTest, AsksForACommitOnceUntilItBegins) {
  ASSERT_THAT(world_.Append(Batch(), CommitUrgency::kLater), IsOk());  // durable topics commit at once
  ASSERT_THAT(world_.Append(Batch(), CommitUrgency::kNow), IsOk());
  EXPECT_THAT(world_.sink.Take(), ElementsAre(CommitUrgency::kNow));
  ASSERT_THAT(world_.Commit(), IsOk());
  TopicConfig config = world_.config;
  config.durability = TopicDurability::kWritten;
  world_.log->SetConfig(std::make_shared<const TopicConfig>(config));
  for (int i = 0; i < 2; ++i) ASSERT_THAT(world_.Append(Batch(), CommitUrgency::kLater), IsOk());
  world_.log->RequestCommit();
  world_.log->RequestCommit();
  EXPECT_THAT(world_.sink.Take(), ElementsAre(CommitUrgency::kLater, CommitUrgency::kNow));
  ASSERT_THAT(world_.Commit(), IsOk());
  world_.log->RequestCommit();  // nothing to do
  EXPECT_THAT(world_.sink.Take(), IsEmpty());
}

TEST_F(LogAppendTest, RollsBySizeAndCommitsAllItsFiles) {
  const size_t bytes = Batch().size();
  world_.config.segment_bytes = static_cast<int64_t>(3 * bytes);
  world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  ASSERT_THAT(world_.Commit(), IsOk());
  for (int i = 0; i < 7; ++i) ASSERT_THAT(world_.Append(Batch()), IsOk());
  EXPECT_THAT(Logs(), ElementsAre("00000000000000000000.log", "00000000000000000003.log",
                                  "00000000000000000006.log"));
  const CommitWork work = world_.log->BeginCommit();
  EXPECT_EQ(work.files.size(), 3u);
  EXPECT_NE(work.dir, nullptr);
  EXPECT_THAT(world_.log->FinishCommit(work, SyncCommitWork(work)).status, IsOk());
  EXPECT_TRUE(world_.log->BeginCommit().empty());
  EXPECT_EQ(world_.log->checkpoint()->segment_base, 6);
  EXPECT_EQ(world_.counters.segments_rolled.load(), 2u);
  EXPECT_EQ(world_.log->state().segments, 3u);
  EXPECT_EQ(world_.log->state().bytes, 7 * bytes);
}

TEST_F(LogAppendTest, TheNextSegmentIsPreparedInTheBackground) {
  const size_t bytes = Batch().size();
  world_.config.segment_bytes = static_cast<int64_t>(4 * bytes);
  world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  for (int i = 0; i < 4; ++i) ASSERT_THAT(world_.Append(Batch()), IsOk());
  world_.runtime.RunUntilIdle();
  EXPECT_THAT(world_.Names(), Contains("next-segment.tmp"));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  EXPECT_THAT(world_.Names(), Not(Contains("next-segment.tmp")));
  EXPECT_THAT(Logs(), ElementsAre("00000000000000000000.log", "00000000000000000004.log"));
}

TEST_F(LogAppendTest, RollsByAge) {
  world_.config.segment_ms = 1000;
  world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  world_.runtime.RunFor(absl::Seconds(5));
  world_.log->Maintain();  // empty segments do not age
  EXPECT_EQ(Logs().size(), 1u);
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  world_.runtime.RunFor(absl::Milliseconds(999));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  EXPECT_EQ(Logs().size(), 1u);
  world_.runtime.RunFor(absl::Milliseconds(1));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  EXPECT_EQ(Logs().size(), 2u);
  world_.runtime.RunFor(absl::Seconds(2));
  world_.log->Maintain();
  EXPECT_EQ(Logs().size(), 3u);
}

TEST_F(LogAppendTest, ABatchThatFitsIntoNoSegmentIsRefused) {
  EXPECT_THAT(world_.Append(Batch(std::string(5000, 'x'))), StatusIs(ErrorCode::kBatchTooLarge));
  EXPECT_EQ(Marks().end, 0);
}

TEST_F(LogAppendTest, AFullDiskIsAnAnswerAndPassesByItself) {
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  // Whatever part of a batch fits, none of it stays.
  int refused = 0;
  for (uint64_t room = 0; room < 3900; room += 300) {
    world_.fs.SetCapacity(Batch().size() + room);
    const absl::StatusOr<AppendResult> result = world_.Append(Batch(std::string(3900, 'x')));
    EXPECT_THAT(result, StatusIs(ErrorCode::kDiskFull)) << room;
    EXPECT_EQ(world_.Get("00000000000000000000.log"), AtOffset(Batch(), 0, 3));
    EXPECT_EQ(Marks().end, 1);
    ++refused;
  }
  EXPECT_EQ(world_.counters.disk_full_errors.load(), static_cast<uint64_t>(refused));
  world_.fs.SetCapacity(1 << 30);
  ASSERT_THAT(world_.Append(Batch("again")), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  EXPECT_THAT(world_.ReadAll(0), IsOkAndHolds(AtOffset(Batch(), 0, 3) + AtOffset(Batch("again"), 1, 3)));
}

TEST_F(LogAppendTest, AFullDiskAtARollIsAnAnswerToo) {
  world_.config.segment_bytes = static_cast<int64_t>(Batch().size());
  world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  world_.fs.SetFault([](const FsOp& op) {
    return op.kind == FsOpKind::kCreate ? MakeError(ErrorCode::kDiskFull, "full") : absl::OkStatus();
  });
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kDiskFull));
  EXPECT_EQ(world_.counters.disk_full_errors.load(), 1u);
  world_.fs.SetFault(nullptr);
  EXPECT_THAT(world_.Append(Batch()), IsOk());
}

TEST_F(LogAppendTest, AFailedWriteEndsWriting) {
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  world_.fs.SetFault([](const FsOp& op) {
    return op.kind == FsOpKind::kWrite ? MakeError(ErrorCode::kStorageError, "device gone")
                                       : absl::OkStatus();
  });
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kStorageError));
  world_.fs.SetFault(nullptr);
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(world_.log->state().write_status, StatusIs(ErrorCode::kStorageError));
  // What was written before can still be made durable.
  EXPECT_THAT(world_.Commit(), IsOk());
  EXPECT_THAT(world_.ReadAll(0), IsOkAndHolds(AtOffset(Batch(), 0, 3)));
}

TEST_F(LogAppendTest, AWriteThatCannotBeUndoneEndsWriting) {
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  world_.fs.SetFault([](const FsOp& op) {
    if (op.kind == FsOpKind::kWrite) return MakeError(ErrorCode::kDiskFull, "full");
    if (op.kind == FsOpKind::kTruncate) return MakeError(ErrorCode::kStorageError, "broken");
    return absl::OkStatus();
  });
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kStorageError));
  world_.fs.SetFault(nullptr);
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kStorageError));
}

TEST_F(LogAppendTest, AFailedSyncIsNeverTriedAgain) {
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  ASSERT_THAT(world_.Append(Batch("lost")), IsOk());
  world_.fs.SetFault([](const FsOp& op) {
    return op.kind == FsOpKind::kSync ? MakeError(ErrorCode::kStorageError, "device gone") : absl::OkStatus();
  });
  EXPECT_THAT(world_.Commit(), StatusIs(ErrorCode::kOutcomeUnknown));
  world_.fs.SetFault(nullptr);
  // The next sync would succeed, but prove nothing.
  EXPECT_THAT(world_.Commit(), StatusIs(ErrorCode::kOutcomeUnknown));
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kStorageError));
  EXPECT_EQ(Marks().durable, 1);
  EXPECT_EQ(world_.log->checkpoint()->synced, 1);
  EXPECT_THAT(world_.ReadAll(0), IsOkAndHolds(AtOffset(Batch(), 0, 3)));
}

TEST_F(LogAppendTest, AFailedSyncOfTheDirectoryIsFinalToo) {
  RollWithEachBatch();
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  world_.fs.SetFault([](const FsOp& op) {
    return op.kind == FsOpKind::kSyncDir ? MakeError(ErrorCode::kStorageError, "device gone")
                                         : absl::OkStatus();
  });
  EXPECT_THAT(world_.Commit(), StatusIs(ErrorCode::kOutcomeUnknown));
  world_.fs.SetFault(nullptr);
  EXPECT_THAT(world_.Commit(), StatusIs(ErrorCode::kOutcomeUnknown));
  EXPECT_EQ(Marks().durable, 0);
}

TEST_F(LogAppendTest, ARollWithoutADescriptorForTheDirectoryAppendsNothing) {
  RollWithEachBatch();
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  world_.fs.SetFault(NoDirectoryOpens);
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kLimitExceeded));
  EXPECT_THAT(Logs(), ElementsAre("00000000000000000000.log"));
  EXPECT_EQ(Marks().end, 1);
  EXPECT_THAT(world_.Commit(), IsOk());
  world_.fs.SetFault(nullptr);
  EXPECT_THAT(world_.Append(Batch()), IsOk());
  EXPECT_THAT(world_.Commit(), IsOk());
  EXPECT_EQ(Marks().durable, 2);
}

TEST_F(LogAppendTest, SyncingANewNameNeedsNoDescriptor) {
  RollWithEachBatch();
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  world_.fs.SetFault(NoDirectoryOpens);
  EXPECT_THAT(world_.Commit(), IsOk());
  EXPECT_EQ(Marks().durable, 2);
  // The next roll opens it again.
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kLimitExceeded));
}

TEST_F(LogAppendTest, APartitionAtRestHoldsNoDirectoryOpen) {
  ASSERT_THAT(world_.fs.SyncDir("/"), IsOk());
  ASSERT_THAT(world_.fs.SyncDir("/data"), IsOk());
  world_.config.segment_ms = 1000;
  world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  world_.runtime.RunFor(absl::Seconds(2));
  world_.log->Maintain();
  EXPECT_EQ(Logs().size(), 2u);
  EXPECT_TRUE(world_.log->BeginCommit().empty());
  // A checkpoint of it is one of the new segment, so that a clean stop is believed.
  EXPECT_EQ(world_.log->checkpoint()->segment_base, 1);
  EXPECT_EQ(world_.log->checkpoint()->position, 0u);
  world_.fs.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Logs().size(), 2u);
}

TEST_F(LogAppendTest, AFailedSyncInTheBackgroundReachesTheCommitter) {
  world_.config.segment_ms = 1000;
  world_.log->SetConfig(std::make_shared<const TopicConfig>(world_.config));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  world_.runtime.RunFor(absl::Seconds(2));
  world_.fs.SetFault([](const FsOp& op) {
    return op.kind == FsOpKind::kSyncDir ? MakeError(ErrorCode::kStorageError, "device gone")
                                         : absl::OkStatus();
  });
  world_.log->Maintain();
  world_.fs.SetFault(nullptr);
  EXPECT_THAT(world_.sink.Take(), ElementsAre(CommitUrgency::kNow));
  EXPECT_THAT(world_.Commit(), StatusIs(ErrorCode::kOutcomeUnknown));
}

TEST_F(LogAppendTest, ADeletedLogAnswersUnknownTopic) {
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  ASSERT_OK_AND_ASSIGN(const LogSlice slice, world_.log->Read(0, 100));
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  const CommitWork work = world_.log->BeginCommit();
  world_.log->MarkDeleted();
  EXPECT_THAT(world_.log->FinishCommit(work, absl::OkStatus()).status, StatusIs(ErrorCode::kUnknownTopic));
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kUnknownTopic));
  EXPECT_THAT(world_.log->Read(0, 100), StatusIs(ErrorCode::kUnknownTopic));
  EXPECT_THAT(world_.log->FindTimestamp(0), StatusIs(ErrorCode::kUnknownTopic));
  EXPECT_TRUE(world_.log->BeginCommit().empty());
  char byte = 0;
  EXPECT_THAT(slice.file->ReadAt(slice.position, absl::MakeSpan(&byte, 1)), IsOkAndHolds(1u));
}

TEST_F(LogAppendTest, AClosedLogTakesNothingMore) {
  ASSERT_THAT(world_.Append(Batch()), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  ASSERT_THAT(world_.log->Close(), IsOk());
  EXPECT_THAT(world_.Append(Batch()), StatusIs(ErrorCode::kShuttingDown));
  EXPECT_THAT(world_.Names(), Contains("00000000000000000000.timeindex"));
}

}  // namespace
}  // namespace leat
