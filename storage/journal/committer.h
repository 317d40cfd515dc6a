#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "protocol/record/mutex.h"
#include "storage/env/executor.h"
#include "storage/env/file_system.h"
#include "storage/env/histogram.h"
#include "storage/log/segmented_log.h"
#include "storage/log_store.h"

// Group commit (design D4, durability-rules R1, R2, R7), the direct way: one sync of each file that has
// unsynced bytes makes everything durable that was written before, for all partitions and all who wait for
// them.

namespace leat {

// A group is what has asked for a commit when the former group has ended: batching comes from the time that a
// sync takes, not from a timer. One executor runs the groups; a group of many files is synced by some helpers
// at once. No lock of ours is held during a sync or while the listener runs.
//
// A failed sync is final (D7): its whole group fails, and so does every later one, without touching the disk.
class Committer final : public CommitSink {
 public:
  // How long a commit of this log may wait that nobody waits for.
  using FlushDelay = std::function<absl::Duration(const SegmentedLog&)>;

  struct Stats {
    uint64_t groups = 0;
    uint64_t group_partitions_p50 = 0;
    LatencySummary sync;
  };

  // All of them outlive the committer. The listener is called on the commit executor.
  Committer(Runtime& runtime, StoreListener& listener, FlushDelay flush_delay);
  ~Committer() override;

  void RequestCommit(std::shared_ptr<SegmentedLog> log, CommitUrgency urgency) override;

  // Commits everything that was asked for before the call, and blocks until the listener has heard of it. Not
  // from a task of the runtime's executors. Gives the sticky failure, if there is one.
  absl::Status Flush();

  // Abandons what is not committed and ends the executors; idempotent. Later requests are dropped.
  void Stop();

  // Makes `cause` the sticky failure, unless there is one, and tells the listener. Any thread, under no lock.
  void Fail(const absl::Status& cause);
  absl::Status failure() const;

  Stats stats() const;

 private:
  struct Group;
  struct Waiting {
    std::shared_ptr<SegmentedLog> log;
    uint64_t ticket = 0;  // tells its timer from that of an earlier wait
  };
  struct FlushWaiter {
    uint64_t round = 0;  // the end of this one is what it waits for
    Event* event = nullptr;
  };

  // Posts RunGroup unless it is posted or running.
  void Schedule() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HurryWaiting(uint64_t partition_id, uint64_t ticket);
  void ReleaseFlushWaiters() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool stopped() const;

  // These run on the commit executor, one group at a time.
  std::vector<std::shared_ptr<SegmentedLog>> TakePending();
  void RunGroup();
  void SyncInParallel(std::shared_ptr<Group> group, size_t syncs);
  void FinishGroup(Group& group);
  void EndGroup();

  // Any executor: syncs entries of the group until none is left; true for the caller that ended the last one.
  bool SyncEntries(Group& group);
  absl::Status SyncOne(const CommitWork& work);

  Runtime& runtime_;
  StoreListener& listener_;
  const FlushDelay flush_delay_;

  Histogram sync_nanos_;
  Histogram group_partitions_;

  mutable Mutex mutex_;
  std::vector<std::shared_ptr<SegmentedLog>> now_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint64_t, Waiting> later_ ABSL_GUARDED_BY(mutex_);  // by partition id
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  bool scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t rounds_begun_ ABSL_GUARDED_BY(mutex_) = 0;  // calls of RunGroup
  uint64_t rounds_ended_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<FlushWaiter> flush_waiters_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<Executor> executor_;
  std::vector<std::unique_ptr<Executor>> helpers_;  // made when first needed; commit executor only
};

}  // namespace leat
