#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "protocol/record/mutex.h"
#include "storage/log_store.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/sim_runtime.h"

namespace leat {

// Remembers what a store told. Any thread.
class RecordingListener final : public StoreListener {
 public:
  void OnCommitted(absl::Span<const CommitOutcome> outcomes) override;
  void OnStorageFailure(const absl::Status& cause) override;

  // The highest durable offset that an outcome without an error gave for a partition id; 0 when none did.
  Offset Durable(uint64_t partition_id) const;
  // Outcomes with an error, in order.
  std::vector<absl::Status> errors() const;
  std::vector<absl::Status> failures() const;
  uint64_t calls() const;

 private:
  mutable Mutex mutex_;
  std::map<uint64_t, Offset> durable_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Status> errors_ ABSL_GUARDED_BY(mutex_);
  std::vector<absl::Status> failures_ ABSL_GUARDED_BY(mutex_);
  uint64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

inline constexpr char kStoreDir[] = "/data";

// Every commit syncs the segments, or goes by the journal.
StoreOptions WithCommitMode(CommitMode mode, StoreOptions options = {});

// One life of a store in one simulated thread, on a disk that outlives it.
class SimStore {
 public:
  SimStore(FileSystem& fs, uint64_t seed, StoreOptions options = {});
  // The process dies: nothing is written any more, when the disk was stopped before.
  ~SimStore();

  [[nodiscard]] absl::Status Open();

  LogStore& store() { return *store_; }
  RecordingListener& listener() { return listener_; }
  SimRuntime& runtime() { return runtime_; }

  // Appends one batch of these values; the offset of the first.
  absl::StatusOr<Offset> Append(const std::string& topic, uint32_t partition,
                                const std::vector<std::string>& values,
                                CommitUrgency urgency = CommitUrgency::kNow);
  // All visible values.
  absl::StatusOr<std::vector<std::string>> ReadAll(const std::string& topic, uint32_t partition);

 private:
  SimRuntime runtime_;
  RecordingListener listener_;
  FileSystem& fs_;
  StoreOptions options_;
  std::unique_ptr<LogStore> store_;
};

// The same for any store.
absl::StatusOr<AppendResult> AppendValues(LogStore& store, const std::string& topic, uint32_t partition,
                                          const std::vector<std::string>& values,
                                          CommitUrgency urgency = CommitUrgency::kNow);
absl::StatusOr<std::vector<std::string>> ReadAllValues(LogStore& store, const std::string& topic,
                                                       uint32_t partition);

// Every file and directory below `path` with its bytes.
std::map<std::string, std::string> Snapshot(FileSystem& fs, const std::string& path);

}  // namespace leat
