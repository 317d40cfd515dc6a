#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/env/clock.h"
#include "storage/env/executor.h"
#include "storage/env/file_system.h"
#include "storage/log/segmented_log.h"
#include "storage/meta/metadata_state.h"

// Topics, settings, ids, leader epoch and log starts: a log of the same format as every other one, one record
// to a batch, each committed by itself before it takes effect (durability-rules R12, storage/FORMAT.md).

namespace leat {

// One thread at a time.
class MetadataLog {
 public:
  // The id of this log in the checkpoint; partitions of topics have others.
  static constexpr uint64_t kPartitionId = 0;

  struct Environment {
    FileSystem& fs;
    Clock& clock;
    FilePool& files;
    Executor& background;
  };

  // An empty one in directory `dir`, which does not exist. Durable once the parent directory is synced.
  static absl::StatusOr<std::unique_ptr<MetadataLog>> Create(const std::string& dir, const Environment& env);

  // What the checkpoint says about it; the meaning of the fields is that of RecoveryInput.
  struct Promise {
    std::optional<CheckpointEntry> checkpoint;
    bool clean = false;
  };
  struct Opened {
    std::unique_ptr<MetadataLog> log;
    RecoveredPartition recovered;
  };
  // Recovers it and adds up its records. kDataLoss when a promised part is damaged or missing,
  // kUnsupportedFormat for records of a newer program: nothing has been removed then.
  static absl::StatusOr<Opened> Open(const std::string& dir, const Promise& promise, const Environment& env);

  // Appends the record, makes it durable and applies it; blocks on the disk. After kDiskFull and
  // kLimitExceeded nothing has changed; after any other error the outcome is unknown and the log refuses
  // everything from then on.
  [[nodiscard]] absl::Status Append(const MetadataRecord& record);

  // Why everything is refused, or OK.
  const absl::Status& failure() const { return failure_; }
  const MetadataState& state() const { return state_; }
  // What it is stored in, for checkpoints. Any thread.
  std::shared_ptr<const SegmentedLog> log() const { return log_; }
  // Writes the index files; appends are refused from then on.
  absl::Status Close() { return log_->Close(); }

 private:
  // Commits are asked for and done in the same call, so that requests from the log have nobody to go to.
  class NoCommits final : public CommitSink {
    void RequestCommit(std::shared_ptr<SegmentedLog>, CommitUrgency) override {}
  };

  explicit MetadataLog(const Environment& env)
      : clock_(env.clock),
        log_environment_{env.fs, env.clock, env.files, env.background, commits_, counters_} {}

  static SegmentedLogOptions Options(const std::string& dir);
  absl::Status Commit();
  absl::Status Replay();
  absl::Status ReplayBatch(const BatchView& batch);

  Clock& clock_;
  NoCommits commits_;
  LogCounters counters_;  // apart from those of the topics
  LogEnvironment log_environment_;
  std::shared_ptr<SegmentedLog> log_;
  MetadataState state_;
  absl::Status failure_;
};

}  // namespace leat
