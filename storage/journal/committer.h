#pragma once

#include <atomic>
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
#include "storage/journal/commit_cost.h"
#include "storage/journal/journal.h"
#include "storage/journal/segment_syncer.h"
#include "storage/log/segmented_log.h"
#include "storage/log_store.h"

// Group commit (design D4, durability-rules R1 to R7): everything that was written before is made durable at
// once, for all partitions and all who wait for them. Either directly, by one sync of each file that has
// unsynced bytes, or by one write to the journal and its sync, as is cheaper.

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
    uint64_t journal_groups = 0;  // of them, by the journal
    uint64_t group_partitions_p50 = 0;
    LatencySummary sync;
  };

  // All of them outlive the committer. The listener is called on the commit executor.
  Committer(Runtime& runtime, StoreListener& listener, FlushDelay flush_delay);
  ~Committer() override;

  struct JournalWay {
    CommitMode mode = CommitMode::kDirect;
    Journal* journal = nullptr;
    SegmentSyncer* syncer = nullptr;
    CommitCost* cost = nullptr;
  };
  // Before the first request, once; without it every group goes the direct way.
  void UseJournal(const JournalWay& way) { journal_way_ = way; }
  // From now on every group goes the direct way, so that nothing is left to the journal. Any thread.
  void GoDirect() { direct_only_.store(true, std::memory_order_relaxed); }

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
  CommitWay ChooseWay(const Group& group) const;
  // False when the journal has no room for it.
  bool CommitByJournal(Group& group);
  void CommitDirectly(std::shared_ptr<Group> group);
  void SyncInParallel(std::shared_ptr<Group> group);
  void FinishGroup(Group& group);
  // What follows the acknowledgements of a group.
  void FollowUp(const Group& group);
  void EndGroup();

  // Any executor: syncs entries of the group until none is left; true for the caller that ended the last one.
  bool SyncEntries(Group& group);
  absl::Status SyncOne(const CommitWork& work);

  Runtime& runtime_;
  StoreListener& listener_;
  const FlushDelay flush_delay_;

  JournalWay journal_way_;
  std::atomic<bool> direct_only_{false};

  Histogram sync_nanos_;
  Histogram group_partitions_;
  std::atomic<uint64_t> journal_groups_{0};

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
