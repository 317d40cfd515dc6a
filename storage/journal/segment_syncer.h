#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "protocol/record/mutex.h"
#include "storage/env/executor.h"
#include "storage/journal/commit_cost.h"
#include "storage/journal/journal.h"
#include "storage/log/segmented_log.h"

namespace leat {

// Syncs the segments of partitions whose batches were made durable by the journal, in the background, so that
// the journal's files can go (durability-rules R6). One partition at a time, with pauses as long as the
// syncs, so that the commits always find the disk free soon; without pauses when the journal is getting full.
class SegmentSyncer {
 public:
  struct Parts {
    Clock& clock;
    Executor& executor;  // that of the journal's background work
    const Journal& journal;
    CommitCost& cost;
    std::function<void(bool urgent)> on_progress;         // a checkpoint has something to tell
    std::function<void(const absl::Status&)> on_failure;  // a sync failed: final (D7)
  };
  explicit SegmentSyncer(Parts parts) : parts_(std::move(parts)) {}

  // `log` has bytes that are durable and not synced. Any thread.
  void Note(std::shared_ptr<SegmentedLog> log);

  // The journal needs room: nothing is left to gather bytes.
  void Hurry();

  // Forgets what is waiting; nothing is begun from now on.
  void Stop();

  size_t waiting() const;

 private:
  struct Waiting {
    std::shared_ptr<SegmentedLog> log;
    absl::Duration since;
  };

  void Schedule(absl::Duration delay) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run();

  const Parts parts_;
  mutable Mutex mutex_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);  // in the order in which the journal needs them
  absl::flat_hash_set<uint64_t> ids_ ABSL_GUARDED_BY(mutex_);
  bool scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  Executor::TimerId timer_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leat
