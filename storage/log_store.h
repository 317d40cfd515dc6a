#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/env/executor.h"
#include "storage/env/file_system.h"
#include "storage/journal/commit_cost.h"
#include "storage/log/commit_outcome.h"
#include "storage/log/partition_log.h"
#include "storage/meta/topic_config.h"

// The data directory as a whole: lock, format, metadata log, topics, commit thread, background work.
// storage/FORMAT.md specifies its bytes.

namespace leat {

struct StoreOptions {
  std::string data_dir;
  size_t open_files_max = 4096;  // segment files kept open; those with unsynced bytes never count as closable
  uint32_t topics_max = 10'000;
  uint32_t partitions_max = 100'000;  // of all topics
  uint32_t partitions_per_topic_max = 10'000;
  absl::Duration checkpoint_interval = absl::Seconds(5);  // at most this long after the last commit
  CommitMode commit_mode = CommitMode::kDirect;
  std::string journal_dir;                 // empty: `journal` in the data directory
  uint64_t journal_bytes_max = 256 << 20;  // beyond, groups are committed without the journal
  uint64_t journal_file_bytes = 16 << 20;
  TopicConfig topic_defaults;
  uint64_t id_seed = 0;  // of the ids of a new directory; 0: from the system
};

// A topic as it is at one moment. Immutable; a change makes a new one. Topics and their logs must be let go
// before the store is destroyed.
struct Topic {
  uint64_t id = 0;  // never reused
  std::string name;
  TopicConfig config;
  std::vector<std::pair<std::string, std::string>> overrides;  // what was set for this topic, by name
  std::vector<std::shared_ptr<PartitionLog>> partitions;

  bool internal() const { return name.rfind("__", 0) == 0; }
};
using TopicPtr = std::shared_ptr<const Topic>;

struct TopicSpec {
  std::string name;
  uint32_t partition_count = 1;
  std::vector<std::pair<std::string, std::string>> config;
};

struct TopicChange {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::string> reset;
  uint32_t partition_count = 0;  // 0: as it is
};

// Called by the storage layer, never under one of its locks; the listener must not block.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  // After each commit group (commit thread) and when a partition is deleted or fails: everything that a group
  // made durable comes in one call.
  virtual void OnCommitted(absl::Span<const CommitOutcome> outcomes) = 0;
  // A sync failed: no acknowledgement can be trusted to follow. The default policy is to stop the process
  // (D7).
  virtual void OnStorageFailure(const absl::Status& cause) = 0;
};

struct RecoveryReport {
  bool fresh = false;  // the directory was empty
  bool clean = false;  // the last stop was a clean one
  uint32_t partitions = 0;
  uint64_t batches_scanned = 0;
  uint64_t bytes_scanned = 0;
  uint64_t bytes_cut = 0;
  uint64_t journal_groups = 0;  // that were not known to be synced in the segments
  uint64_t bytes_refilled = 0;  // from the journal into segments
  uint32_t indexes_rebuilt = 0;
  uint32_t partitions_fenced = 0;   // take no more records
  uint32_t partitions_damaged = 0;  // have records that cannot be read (LogState::lost)
  absl::Duration duration;
  std::vector<std::string> notes;  // one line per thing found, at most 100
};

struct LatencySummary {
  uint64_t count = 0;
  absl::Duration p50, p99, max;
};

struct StoreStats {
  uint64_t commit_groups = 0;
  uint64_t journal_groups = 0;  // of them, by the journal
  uint64_t journal_files = 0;
  uint64_t journal_bytes = 0;  // on disk
  uint64_t journal_bytes_max = 0;
  uint64_t journal_bytes_written = 0;
  uint64_t unsynced_partitions = 0;  // durable by the journal, to be synced in the background
  CommitCost::Terms cost;            // what decides between the journal and the segments
  uint64_t group_partitions_p50 = 0;
  LatencySummary sync;  // of one file
  uint64_t appended_batches = 0;
  uint64_t appended_bytes = 0;
  uint64_t open_files = 0;
  uint64_t segments_rolled = 0;
  uint64_t indexes_rebuilt = 0;
  uint64_t checkpoints_written = 0;
  uint64_t disk_free_bytes = 0;
  uint64_t disk_full_errors = 0;
};

class LogStore {
 public:
  // Locks the directory (creates it when missing), checks its format, recovers, and starts the commit and
  // background executors of `runtime`. All arguments outlive the store. Errors, having touched nothing:
  // kDirectoryLocked, kUnsupportedFormat, kStorageError; kDataLoss when the metadata log is damaged.
  static absl::StatusOr<std::unique_ptr<LogStore>> Open(const StoreOptions& options, FileSystem& fs,
                                                        Runtime& runtime, StoreListener& listener);

  virtual ~LogStore() = default;

  // Any thread, cheap. Null when there is none.
  virtual TopicPtr FindTopic(absl::string_view name) const = 0;
  // Sorted by name.
  virtual std::vector<TopicPtr> Topics() const = 0;

  // Durable when they return; they block on the disk, so call them from a thread that may. One at a time
  // inside. Errors as their names say (kTopicExists, kInvalidTopicName, kInvalidPartitionCount,
  // kInvalidConfig, kLimitExceeded, kUnknownTopic, kDiskFull).
  [[nodiscard]] virtual absl::StatusOr<TopicPtr> CreateTopic(const TopicSpec& spec) = 0;
  [[nodiscard]] virtual absl::StatusOr<TopicPtr> AlterTopic(absl::string_view name,
                                                            const TopicChange& change) = 0;
  [[nodiscard]] virtual absl::Status DeleteTopic(absl::string_view name) = 0;
  // The checks of CreateTopic / AlterTopic without the change.
  [[nodiscard]] virtual absl::Status ValidateCreate(const TopicSpec& spec) const = 0;
  [[nodiscard]] virtual absl::Status ValidateAlter(absl::string_view name,
                                                   const TopicChange& change) const = 0;

  virtual const std::string& data_id() const = 0;  // UUID of the data directory
  virtual const RecoveryReport& recovery() const = 0;
  virtual StoreStats stats() const = 0;

  // Commits and syncs everything, writes a clean checkpoint, stops the executors. Appends fail from then on.
  // Without it (destructor only) the directory is left as a crash would leave it.
  [[nodiscard]] virtual absl::Status Close() = 0;
};

// kInvalidTopicName with the rule that `name` breaks: 1 to 249 of [A-Za-z0-9._-], not "." or "..".
[[nodiscard]] absl::Status CheckTopicName(absl::string_view name);

}  // namespace leat
