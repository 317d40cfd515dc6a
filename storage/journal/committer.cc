#include "storage/journal/committer.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

// Up to so many syncs the commit thread does by itself; above, each helper gets about so many.
constexpr size_t kSyncsAlone = 8;
// Syncs of different files that wait for the same device overlap well, also on few cores: 1,000 files took
// 190 ms with 4 threads and 38 ms with 16.
constexpr size_t kHelpersMax = 16;

}  // namespace

struct Committer::Group {
  std::vector<std::shared_ptr<SegmentedLog>> logs;
  std::vector<CommitWork> works;      // of logs[i]
  std::vector<absl::Status> results;  // of logs[i]; each written by the one executor that took it
  size_t syncs = 0;                   // of the direct way
  uint64_t bytes = 0;                 // to be made durable
  CommitWay way = CommitWay::kDirect;
  absl::Duration begin;  // of the syncs
  std::atomic<size_t> next{0};
  std::atomic<size_t> left{0};
};

Committer::Committer(Runtime& runtime, StoreListener& listener, FlushDelay flush_delay)
    : runtime_(runtime),
      listener_(listener),
      flush_delay_(std::move(flush_delay)),
      executor_(runtime.NewExecutor("leat-commit")) {}

Committer::~Committer() { Stop(); }

void Committer::RequestCommit(std::shared_ptr<SegmentedLog> log, CommitUrgency urgency) {
  const uint64_t id = log->id();
  if (urgency == CommitUrgency::kNow) {
    MutexLock lock(mutex_);
    if (stopped_) return;
    now_.push_back(std::move(log));
    Schedule();
    return;
  }
  const absl::Duration delay = flush_delay_(*log);
  MutexLock lock(mutex_);
  if (stopped_) return;
  const uint64_t ticket = ++last_ticket_;
  if (!later_.emplace(id, Waiting{std::move(log), ticket}).second) return;
  executor_->PostAfter(delay, [this, id, ticket] { HurryWaiting(id, ticket); });
}

void Committer::Schedule() {
  if (std::exchange(scheduled_, true)) return;
  executor_->Post([this] { RunGroup(); });
}

void Committer::HurryWaiting(uint64_t partition_id, uint64_t ticket) {
  MutexLock lock(mutex_);
  const auto waiting = later_.find(partition_id);
  if (stopped_ || waiting == later_.end() || waiting->second.ticket != ticket) return;
  now_.push_back(std::move(waiting->second.log));
  later_.erase(waiting);
  Schedule();
}

bool Committer::stopped() const {
  MutexLock lock(mutex_);
  return stopped_;
}

std::vector<std::shared_ptr<SegmentedLog>> Committer::TakePending() {
  std::vector<std::shared_ptr<SegmentedLog>> taken;
  MutexLock lock(mutex_);
  ++rounds_begun_;
  if (stopped_) return taken;
  taken.swap(now_);
  // What could have waited longer goes with what could not.
  for (const auto& log : taken) later_.erase(log->id());
  return taken;
}

void Committer::RunGroup() {
  auto group = std::make_shared<Group>();
  group->logs = TakePending();
  if (group->logs.empty()) return EndGroup();
  for (const auto& log : group->logs) {
    group->works.push_back(log->BeginCommit());
    group->syncs += group->works.back().syncs();
    for (const CommitPiece& piece : group->works.back().pieces) group->bytes += piece.bytes;
  }
  group->results.assign(group->logs.size(), failure());
  group->left.store(group->logs.size(), std::memory_order_relaxed);
  if (!group->results.front().ok()) return FinishGroup(*group);
  group->begin = runtime_.clock().Monotonic();
  if (ChooseWay(*group) == CommitWay::kJournal && CommitByJournal(*group)) return FinishGroup(*group);
  CommitDirectly(std::move(group));
}

CommitWay Committer::ChooseWay(const Group& group) const {
  // Without bytes there are only names to be synced, which the journal cannot do.
  if (journal_way_.journal == nullptr || group.bytes == 0 || direct_only_.load(std::memory_order_relaxed)) {
    return CommitWay::kDirect;
  }
  if (journal_way_.mode == CommitMode::kDirect) return CommitWay::kDirect;
  if (journal_way_.mode == CommitMode::kJournal) return CommitWay::kJournal;
  return journal_way_.cost->Cheaper(group.syncs, group.bytes);
}

bool Committer::CommitByJournal(Group& group) {
  switch (journal_way_.journal->Commit(group.logs, group.works)) {
    case Journal::Result::kNotWritten:
      return false;
    case Journal::Result::kSyncFailed:
      group.results.assign(group.logs.size(), journal_way_.journal->error());
      break;
    case Journal::Result::kDurable: {
      const absl::Duration took = runtime_.clock().Monotonic() - group.begin;
      sync_nanos_.Record(static_cast<uint64_t>(absl::ToInt64Nanoseconds(took)));
      journal_way_.cost->LearnJournal(took, group.bytes);
      journal_groups_.fetch_add(1, std::memory_order_relaxed);
      break;
    }
  }
  group.way = CommitWay::kJournal;
  return true;
}

void Committer::CommitDirectly(std::shared_ptr<Group> group) {
  if (group->syncs > kSyncsAlone && group->logs.size() > 1) return SyncInParallel(std::move(group));
  if (SyncEntries(*group)) FinishGroup(*group);
}

void Committer::SyncInParallel(std::shared_ptr<Group> group) {
  const size_t wanted = std::min(kHelpersMax, group->syncs / kSyncsAlone);
  while (helpers_.size() < wanted) {
    helpers_.push_back(runtime_.NewExecutor(absl::StrCat("leat-sync-", helpers_.size())));
  }
  // The one that ends last hands the group back to the commit executor, which waits for nobody.
  for (size_t i = 0; i < wanted; ++i) {
    helpers_[i]->Post([this, group] {
      if (SyncEntries(*group)) executor_->Post([this, group] { FinishGroup(*group); });
    });
  }
  if (SyncEntries(*group)) FinishGroup(*group);
}

bool Committer::SyncEntries(Group& group) {
  bool ended_last = false;
  while (!stopped()) {
    const size_t entry = group.next.fetch_add(1, std::memory_order_relaxed);
    if (entry >= group.logs.size()) break;
    group.results[entry] = SyncOne(group.works[entry]);
    ended_last = group.left.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  return ended_last;
}

absl::Status Committer::SyncOne(const CommitWork& work) {
  if (work.dir != nullptr) {
    if (absl::Status synced = work.dir->Sync(); !synced.ok()) return synced;
  }
  for (const auto& file : work.files) {
    const absl::Duration start = runtime_.clock().Monotonic();
    if (absl::Status synced = file->Sync(); !synced.ok()) return synced;
    sync_nanos_.Record(static_cast<uint64_t>(absl::ToInt64Nanoseconds(runtime_.clock().Monotonic() - start)));
  }
  return absl::OkStatus();
}

void Committer::FinishGroup(Group& group) {
  if (stopped()) return;
  std::vector<CommitOutcome> outcomes;
  outcomes.reserve(group.logs.size());
  absl::Status cause = failure();
  // Failures first, because one of them fails the whole group. A topic that is deleted takes its directory
  // away under the sync, which is none.
  for (size_t i = 0; i < group.logs.size(); ++i) {
    if (group.results[i].ok()) continue;
    outcomes.push_back(group.logs[i]->FinishCommit(group.works[i], group.results[i], group.way));
    if (CodeOf(outcomes.back().status) != ErrorCode::kUnknownTopic) cause.Update(group.results[i]);
  }
  for (size_t i = 0; i < group.logs.size(); ++i) {
    if (!group.results[i].ok()) continue;
    outcomes.push_back(group.logs[i]->FinishCommit(group.works[i], cause, group.way));
    const absl::Status& status = outcomes.back().status;
    // A failure that the background met in one of the files (R7).
    if (!status.ok() && CodeOf(status) != ErrorCode::kUnknownTopic) cause.Update(status);
  }
  group_partitions_.Record(group.logs.size());
  if (!cause.ok()) Fail(cause);
  listener_.OnCommitted(outcomes);
  if (cause.ok() && journal_way_.mode != CommitMode::kDirect) FollowUp(group);
  EndGroup();
}

void Committer::FollowUp(const Group& group) {
  if (group.way == CommitWay::kJournal) {
    for (const auto& log : group.logs) journal_way_.syncer->Note(log);
    if (journal_way_.journal->UnderPressure()) journal_way_.syncer->Hurry();
    return;
  }
  if (group.syncs > 0) {
    const absl::Duration took = runtime_.clock().Monotonic() - group.begin;
    journal_way_.cost->LearnSegment(took / static_cast<int64_t>(group.syncs), group.bytes / group.syncs);
  }
  std::vector<CheckpointEntry> marks;
  for (size_t i = 0; i < group.logs.size(); ++i) {
    if (group.works[i].pieces.empty()) continue;
    if (const std::optional<CheckpointEntry> mark = group.logs[i]->checkpoint()) marks.push_back(*mark);
  }
  journal_way_.journal->WriteMarks(marks);
}

void Committer::EndGroup() {
  MutexLock lock(mutex_);
  ++rounds_ended_;
  scheduled_ = false;
  ReleaseFlushWaiters();
  if (!now_.empty() && !stopped_) Schedule();
}

void Committer::ReleaseFlushWaiters() {
  const auto done = [this](const FlushWaiter& waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!stopped_ && waiter.round > rounds_ended_) return false;
    waiter.event->Set();
    return true;
  };
  flush_waiters_.erase(std::remove_if(flush_waiters_.begin(), flush_waiters_.end(), done),
                       flush_waiters_.end());
}

absl::Status Committer::Flush() {
  const std::unique_ptr<Event> done = runtime_.NewEvent();
  {
    MutexLock lock(mutex_);
    if (stopped_) return failure_;
    for (auto& [id, waiting] : later_) now_.push_back(std::move(waiting.log));
    later_.clear();
    // Not until nothing is left to do: with enough appenders that would never be.
    const bool running = rounds_begun_ != rounds_ended_;
    flush_waiters_.push_back({running && now_.empty() ? rounds_begun_ : rounds_begun_ + 1, done.get()});
    Schedule();
  }
  done->Wait();
  return failure();
}

void Committer::Stop() {
  std::vector<std::shared_ptr<SegmentedLog>> dropped;  // they die outside the lock
  absl::flat_hash_map<uint64_t, Waiting> dropped_later;
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    dropped.swap(now_);
    dropped_later.swap(later_);
    ReleaseFlushWaiters();
  }
  // First the one that hands work to the others.
  executor_->Stop();
  for (const auto& helper : helpers_) helper->Stop();
}

void Committer::Fail(const absl::Status& cause) {
  {
    MutexLock lock(mutex_);
    if (!failure_.ok()) return;
    failure_ = cause;
  }
  listener_.OnStorageFailure(cause);
}

absl::Status Committer::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}

Committer::Stats Committer::stats() const {
  Stats stats;
  stats.groups = group_partitions_.count();
  stats.journal_groups = journal_groups_.load(std::memory_order_relaxed);
  stats.group_partitions_p50 = group_partitions_.Quantile(0.5);
  const auto duration = [](uint64_t nanos) { return absl::Nanoseconds(static_cast<int64_t>(nanos)); };
  stats.sync = {sync_nanos_.count(), duration(sync_nanos_.Quantile(0.5)),
                duration(sync_nanos_.Quantile(0.99)), duration(sync_nanos_.max())};
  return stats;
}

}  // namespace leat
