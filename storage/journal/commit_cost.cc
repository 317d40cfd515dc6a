#include "storage/journal/commit_cost.h"

#include <algorithm>

namespace leat {
namespace {

// The share of the newest sample in the running mean.
constexpr double kNewest = 0.1;
constexpr double kShortest = 1e-6;  // seconds

// One slow sync among many must not turn the choice.
void Learn(double sample, double& mean) { mean += kNewest * (std::min(sample, 8 * mean) - mean); }

}  // namespace

CommitWay CommitCost::Cheaper(uint64_t syncs, uint64_t bytes) const {
  MutexLock lock(mutex_);
  const double direct = static_cast<double>(syncs) * t_segment_;
  return direct <= t_journal_ + Transfer(bytes) ? CommitWay::kDirect : CommitWay::kJournal;
}

double CommitCost::Transfer(uint64_t bytes) const { return static_cast<double>(bytes) / bytes_per_s_; }

void CommitCost::LearnRate(double seconds, uint64_t bytes) {
  Learn(static_cast<double>(bytes) / std::max(seconds, kShortest), bytes_per_s_);
}

void CommitCost::LearnSegment(absl::Duration sync, uint64_t bytes) {
  const double seconds = absl::ToDoubleSeconds(sync);
  MutexLock lock(mutex_);
  if (bytes >= kTransferBytes) return LearnRate(seconds, bytes);
  Learn(std::max(seconds - Transfer(bytes), kShortest), t_segment_);
}

void CommitCost::LearnJournal(absl::Duration sync, uint64_t bytes) {
  const double seconds = absl::ToDoubleSeconds(sync);
  MutexLock lock(mutex_);
  if (bytes >= kTransferBytes) return LearnRate(seconds, bytes);
  Learn(std::max(seconds - Transfer(bytes), kShortest), t_journal_);
}

CommitCost::Terms CommitCost::terms() const {
  MutexLock lock(mutex_);
  return {absl::Seconds(t_segment_), absl::Seconds(t_journal_), bytes_per_s_};
}

}  // namespace leat
