#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "protocol/record/mutex.h"
#include "storage/log/segmented_log.h"

namespace leat {

enum class CommitMode {
  kAuto,     // whatever is cheaper
  kDirect,   // always sync the segments
  kJournal,  // always the journal, where it has room
};

// What a group is about to cost, from what the last ones have cost (durability-rules R5). Any thread.
class CommitCost {
 public:
  // Direct when syncs * t_segment <= t_journal + bytes / disk_rate: the journal writes everything once more.
  CommitWay Cheaper(uint64_t syncs, uint64_t bytes) const;

  // One sync of a segment, perhaps the share of one among several at once, that had about `bytes` to write.
  void LearnSegment(absl::Duration sync, uint64_t bytes);
  // One group written to the journal and synced.
  void LearnJournal(absl::Duration sync, uint64_t bytes);

  struct Terms {
    absl::Duration t_segment;  // a sync without the transfer of its bytes
    absl::Duration t_journal;
    double disk_bytes_per_s = 0;
  };
  Terms terms() const;

 private:
  // Large enough that the transfer is what takes the time.
  static constexpr uint64_t kTransferBytes = 256 << 10;

  void LearnRate(double seconds, uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  double Transfer(uint64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  // Seconds. Equal at first: one file goes direct, several go by journal.
  double t_segment_ ABSL_GUARDED_BY(mutex_) = 0.001;
  double t_journal_ ABSL_GUARDED_BY(mutex_) = 0.001;
  double bytes_per_s_ ABSL_GUARDED_BY(mutex_) = 200e6;
};

}  // namespace leat
