#include "storage/journal/segment_syncer.h"

#include <algorithm>
#include <utility>

namespace leat {
namespace {

// A partition is left to gather bytes for so long, unless the journal needs its room.
constexpr absl::Duration kGather = absl::Seconds(1);
}  // namespace

void SegmentSyncer::Note(std::shared_ptr<SegmentedLog> log) {
  MutexLock lock(mutex_);
  if (stopped_ || !ids_.insert(log->id()).second) return;
  waiting_.push_back({std::move(log), parts_.clock.Monotonic()});
  Schedule(kGather);
}

void SegmentSyncer::Hurry() {
  MutexLock lock(mutex_);
  // When the timer has gone off, Run looks for itself.
  if (!scheduled_ || !parts_.executor.Cancel(timer_)) return;
  scheduled_ = false;
  Schedule(absl::ZeroDuration());
}

void SegmentSyncer::Schedule(absl::Duration delay) {
  if (stopped_ || std::exchange(scheduled_, true)) return;
  timer_ = parts_.executor.PostAfter(delay, [this] { Run(); });
}

void SegmentSyncer::Run() {
  const bool pressure = parts_.journal.UnderPressure();
  const absl::Duration begin = parts_.clock.Monotonic();
  std::shared_ptr<SegmentedLog> log;
  {
    MutexLock lock(mutex_);
    scheduled_ = false;
    if (stopped_ || waiting_.empty()) return;
    const absl::Duration age = begin - waiting_.front().since;
    if (!pressure && age < kGather) return Schedule(kGather - age);
    log = std::move(waiting_.front().log);
    waiting_.pop_front();
    ids_.erase(log->id());
  }
  const CommitWork work = log->BeginSync();
  if (absl::Status synced = log->FinishSync(work, SyncCommitWork(work)); !synced.ok()) {
    return parts_.on_failure(synced);
  }
  const absl::Duration took = parts_.clock.Monotonic() - begin;
  if (work.syncs() > 0) parts_.cost.LearnSegment(took / static_cast<int64_t>(work.syncs()), 0);
  parts_.on_progress(pressure);
  MutexLock lock(mutex_);
  if (!waiting_.empty()) Schedule(pressure ? absl::ZeroDuration() : std::min(took, kGather));
}

void SegmentSyncer::Stop() {
  std::deque<Waiting> dropped;  // they die outside the lock
  MutexLock lock(mutex_);
  stopped_ = true;
  dropped.swap(waiting_);
}

size_t SegmentSyncer::waiting() const {
  MutexLock lock(mutex_);
  return waiting_.size();
}

}  // namespace leat
