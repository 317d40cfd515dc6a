// One partition used by many threads at once, on the real disk.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "storage/log/file_pool.h"
#include "storage/log/recovery.h"
#include "storage/log/segmented_log.h"
#include "tests/support/batch_factory.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leat {
namespace {

// Commits on a thread of its own, as the committer does.
class CommittingSink : public CommitSink {
 public:
  explicit CommittingSink(Executor& executor) : executor_(executor) {}
  void RequestCommit(std::shared_ptr<SegmentedLog> log, CommitUrgency) override {
    executor_.Post([log = std::move(log)] {
      const CommitWork work = log->BeginCommit();
      const CommitOutcome outcome = log->FinishCommit(work, SyncCommitWork(work));
      EXPECT_THAT(outcome.status, IsOk());
      EXPECT_TRUE(outcome.marks.Valid());
    });
  }

 private:
  Executor& executor_;
};

class LogConcurrentTest : public ::testing::Test {
 protected:
  LogConcurrentTest() {
    config_.segment_bytes = 20'000;
    config_.index_interval_bytes = 200;
  }
  SegmentedLogOptions Options() const {
    return {.dir = dir_.path() + "/orders-0",
            .id = 1,
            .topic = "orders",
            .partition = 0,
            .leader_epoch = 0,
            .config = std::make_shared<const TopicConfig>(config_)};
  }

  // Follows the log to `end`, checking that offsets go on without a gap.
  void Follow(SegmentedLog& log, Offset end, uint64_t max_bytes) {
    Offset next = 0;
    while (next < end && !HasFailure()) {
      ASSERT_OK_AND_ASSIGN(const LogSlice slice, log.Read(next, max_bytes));
      if (slice.length == 0) {
        std::this_thread::yield();
        continue;
      }
      std::string bytes(slice.length, '\0');
      ASSERT_THAT(slice.file->ReadAt(slice.position, absl::MakeSpan(bytes.data(), bytes.size())),
                  IsOkAndHolds(bytes.size()));
      ASSERT_OK_AND_ASSIGN(const std::vector<TestRecord> records, DecodeBatches(bytes));
      for (const TestRecord& record : records) {
        ASSERT_EQ(record.offset, next++);
        ASSERT_EQ(record.value, "value");
      }
    }
  }

  TempDir dir_;
  TopicConfig config_;
  std::unique_ptr<Runtime> runtime_ = NewThreadRuntime();
  FilePool pool_{PosixFileSystem(), 4};
  LogCounters counters_;
};

TEST_F(LogConcurrentTest, AppendsReadsCommitsAndUpkeepTogether) {
  constexpr Offset kRecords = 4000;
  const std::unique_ptr<Executor> background = runtime_->NewExecutor("background");
  const std::unique_ptr<Executor> commits = runtime_->NewExecutor("commits");
  CommittingSink sink(*commits);
  const LogEnvironment env{PosixFileSystem(), SystemClock(), pool_, *background, sink, counters_};
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<SegmentedLog> log, SegmentedLog::Create(Options(), env));

  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  // Two appenders: the door gives each batch its own place.
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&log] {
      for (int n = 0; n < kRecords / 4; ++n) {
        std::string batch = MakeValueBatch({"value", "value"}, 1'700'000'000'000 + n);
        absl::StatusOr<BatchHeader> header = ParseBatchHeader(batch);
        EXPECT_THAT(log->Append(*header, absl::MakeSpan(batch.data(), batch.size()), CommitUrgency::kNow),
                    IsOk());
      }
    });
  }
  for (const uint64_t max_bytes : {uint64_t{1}, uint64_t{1000}, uint64_t{1} << 20}) {
    threads.emplace_back([this, &log, max_bytes] { Follow(*log, kRecords, max_bytes); });
  }
  threads.emplace_back([&log, &done] {
    while (!done) {
      EXPECT_THAT(log->FindTimestamp(1'700'000'000'000 + 300), IsOk());
      log->Maintain();
      EXPECT_TRUE(log->marks().Valid());
      EXPECT_LE(log->visible_offset(), log->state().marks.end);
    }
  });
  for (size_t i = 0; i + 1 < threads.size(); ++i) threads[i].join();
  done = true;
  threads.back().join();
  commits->Stop();
  background->Stop();
  EXPECT_EQ(log->marks().durable, kRecords);
  EXPECT_GT(counters_.segments_rolled.load(), 5u);
  EXPECT_EQ(counters_.indexes_rebuilt.load(), 0u);
  ASSERT_THAT(log->Close(), IsOk());

  RecoveryInput input;
  input.dir = Options().dir;
  input.name = "orders-0";
  input.partition_id = 1;
  input.checkpoint = log->checkpoint();
  input.clean = true;
  input.index_interval_bytes = config_.index_interval_bytes;
  ASSERT_OK_AND_ASSIGN(const RecoveredPartition recovered, RecoverPartition(PosixFileSystem(), input));
  EXPECT_THAT(recovered.notes, ::testing::IsEmpty());
  EXPECT_EQ(recovered.batches_scanned, 0u);
  EXPECT_EQ(recovered.marks.end, kRecords);
}

TEST_F(LogConcurrentTest, OneFileIsNeverSyncedTwiceAtOnce) {
  class CountingFile : public File {
   public:
    absl::StatusOr<size_t> ReadAt(uint64_t, absl::Span<char>) const override { return 0; }
    absl::Status WriteAt(uint64_t, absl::Span<const absl::string_view>) override { return absl::OkStatus(); }
    absl::Status Sync() override {
      EXPECT_EQ(under_way_.fetch_add(1), 0);
      std::this_thread::yield();
      under_way_.fetch_sub(1);
      return absl::OkStatus();
    }
    absl::StatusOr<uint64_t> Size() const override { return 0; }
    absl::Status Truncate(uint64_t) override { return absl::OkStatus(); }
    absl::Status Reserve(uint64_t) override { return absl::OkStatus(); }
    absl::Status DropCache() override { return absl::OkStatus(); }
    int NativeHandle() const override { return -1; }

   private:
    std::atomic<int> under_way_ = 0;
  };
  SegmentFile file(pool_, "/nowhere", 0, std::make_shared<CountingFile>());
  std::vector<std::thread> threads;
  threads.emplace_back([&file] {
    for (uint64_t i = 0; i < 3000; ++i) {
      EXPECT_THAT(file.Hold(), IsOk());
      EXPECT_THAT(file.Write(i, "x"), IsOk());
    }
  });
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&file] {
      for (int n = 0; n < 1000; ++n) EXPECT_THAT(file.Sync(), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(file.Sync(), IsOk());
  EXPECT_FALSE(file.has_unsynced());
}

}  // namespace
}  // namespace leat
