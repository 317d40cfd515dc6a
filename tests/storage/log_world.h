#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/record/batch.h"
#include "storage/log/file_pool.h"
#include "storage/log/recovery.h"
#include "storage/log/segmented_log.h"
#include "tests/support/batch_factory.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/sim_runtime.h"
#include "tests/support/status_matchers.h"

namespace leat {

// Takes note of who asked for a commit.
class RecordingSink : public CommitSink {
 public:
  void RequestCommit(std::shared_ptr<SegmentedLog> log, CommitUrgency urgency) override {
    MutexLock lock(mutex_);
    log_ = std::move(log);
    urgencies_.push_back(urgency);
  }
  std::vector<CommitUrgency> Take() {
    MutexLock lock(mutex_);
    log_.reset();
    return std::exchange(urgencies_, {});
  }

 private:
  Mutex mutex_;
  std::shared_ptr<SegmentedLog> log_ ABSL_GUARDED_BY(mutex_);
  std::vector<CommitUrgency> urgencies_ ABSL_GUARDED_BY(mutex_);
};

// One partition's log with everything around it, on a disk in memory, in one thread.
class LogWorld {
 public:
  static constexpr char kDir[] = "/data/orders-0";

  explicit LogWorld(MemoryFileSystem* disk = nullptr)
      : owned_(disk == nullptr ? std::make_unique<MemoryFileSystem>() : nullptr),
        fs(disk == nullptr ? *owned_ : *disk),
        background(runtime.NewExecutor("background")) {
    fs.CreateDir("/data").IgnoreError();
    config.segment_bytes = 4096;
    config.index_interval_bytes = 256;
  }
  ~LogWorld() {
    sink.Take();
    log.reset();
    background->Stop();
  }

  SegmentedLogOptions Options() const {
    return {.dir = kDir,
            .id = 7,
            .topic = "orders",
            .partition = 0,
            .leader_epoch = 3,
            .config = std::make_shared<const TopicConfig>(config)};
  }
  LogEnvironment Env() { return {fs, runtime.clock(), *pool, *background, sink, counters}; }

  absl::Status Create() {
    absl::StatusOr<std::shared_ptr<SegmentedLog>> created = SegmentedLog::Create(Options(), Env());
    if (!created.ok()) return created.status();
    log = *created;
    return fs.SyncDir(kDir);
  }

  RecoveryInput Recovery() const {
    return {.dir = kDir,
            .name = "orders-0",
            .partition_id = 7,
            .checkpoint = checkpoint,
            .clean = false,
            .index_interval_bytes = config.index_interval_bytes};
  }
  // Recovers and opens; the checkpoint is the recovered one then.
  absl::Status Open(bool clean = false) {
    RecoveryInput input = Recovery();
    input.clean = clean;
    absl::StatusOr<RecoveredPartition> result = RecoverPartition(fs, input);
    if (!result.ok()) return result.status();
    recovered = *std::move(result);
    checkpoint = recovered.checkpoint;
    absl::StatusOr<std::shared_ptr<SegmentedLog>> opened = SegmentedLog::Open(Options(), Env(), recovered);
    if (opened.ok()) log = *opened;
    return opened.status();
  }
  // The log object goes away as in a crash; files stay.
  void Drop() {
    sink.Take();
    log.reset();
    runtime.RunUntilIdle();
    pool = std::make_unique<FilePool>(fs, 8);
  }
  absl::Status CloseCleanly() {
    absl::Status status = Commit();
    runtime.RunUntilIdle();
    status.Update(log->Close());
    checkpoint = log->checkpoint();
    Drop();
    return status;
  }

  absl::StatusOr<AppendResult> Append(std::string batch, CommitUrgency urgency = CommitUrgency::kNow) {
    absl::StatusOr<BatchHeader> header = ParseBatchHeader(batch);
    if (!header.ok()) return header.status();
    return log->Append(*header, absl::MakeSpan(batch.data(), batch.size()), urgency);
  }
  absl::Status Commit() {
    const CommitWork work = log->BeginCommit();
    sink.Take();
    return log->FinishCommit(work, SyncCommitWork(work)).status;
  }
  // All visible bytes from `from` on.
  absl::StatusOr<std::string> ReadAll(Offset from, uint64_t max_bytes = 1 << 20) {
    std::string all;
    while (true) {
      absl::StatusOr<LogSlice> slice = log->Read(from, max_bytes);
      if (!slice.ok()) return slice.status();
      if (slice->length == 0) return all;
      std::string bytes(slice->length, '\0');
      absl::StatusOr<size_t> read =
          slice->file->ReadAt(slice->position, absl::MakeSpan(bytes.data(), bytes.size()));
      if (!read.ok()) return read.status();
      for (absl::string_view rest = bytes; !rest.empty();) {
        absl::StatusOr<BatchView> batch = BatchView::Parse(rest);
        if (!batch.ok()) return batch.status();
        from = batch->header().next_offset();
        rest.remove_prefix(batch->bytes().size());
      }
      all += bytes;
    }
  }

  std::string PathOf(const std::string& name) const { return std::string(kDir) + "/" + name; }
  // Writes a file anew, durably.
  void Put(const std::string& name, absl::string_view bytes) {
    EXPECT_THAT(ReplaceFile(fs, kDir, name, bytes), IsOk());
  }
  std::string Get(const std::string& name) {
    absl::StatusOr<std::string> bytes = ReadWholeFile(fs, PathOf(name), 1 << 30);
    EXPECT_THAT(bytes, IsOk()) << name;
    return bytes.ok() ? *bytes : "";
  }
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    absl::StatusOr<std::vector<DirEntry>> entries = fs.List(kDir);
    EXPECT_THAT(entries, IsOk());
    if (!entries.ok()) return names;
    for (const DirEntry& entry : *entries) names.push_back(entry.name);
    return names;
  }

 private:
  std::unique_ptr<MemoryFileSystem> owned_;

 public:
  MemoryFileSystem& fs;
  SimRuntime runtime{1};
  std::unique_ptr<Executor> background;
  std::unique_ptr<FilePool> pool = std::make_unique<FilePool>(fs, 8);
  RecordingSink sink;
  LogCounters counters;
  TopicConfig config;
  std::shared_ptr<SegmentedLog> log;
  std::optional<CheckpointEntry> checkpoint;
  RecoveredPartition recovered;
};

}  // namespace leat
