#include "storage/store_impl.h"

#include <utility>

#include "protocol/record/error.h"

namespace leat {

StoreImpl::StoreImpl(const StoreOptions& options, FileSystem& fs, Runtime& runtime, StoreListener& listener)
    : options_(options),
      fs_(fs),
      runtime_(runtime),
      listener_(listener),
      paths_(options.data_dir),
      files_(fs, options.open_files_max),
      reserve_(fs, paths_.meta) {}

StoreImpl::~StoreImpl() { StopExecutors(); }

absl::StatusOr<TopicPtr> StoreImpl::CreateTopic(const TopicSpec& spec) {
  absl::StatusOr<TopicPtr> topic = admin_->Create(spec);
  AfterOperation(topic.ok());
  return topic;
}

absl::StatusOr<TopicPtr> StoreImpl::AlterTopic(absl::string_view name, const TopicChange& change) {
  absl::StatusOr<TopicPtr> topic = admin_->Alter(name, change);
  AfterOperation(topic.ok());
  return topic;
}

absl::Status StoreImpl::DeleteTopic(absl::string_view name) {
  const absl::StatusOr<LogList> logs = admin_->Delete(name);
  AfterOperation(logs.ok());
  if (!logs.ok()) return logs.status();
  std::vector<CommitOutcome> outcomes;
  for (const auto& log : *logs) {
    const LogState state = log->state();
    outcomes.push_back({log, state.marks, state.visible, UnknownTopic(name)});
    RemoveInBackground(paths_.Deleted(log->id()));
  }
  listener_.OnCommitted(outcomes);
  return absl::OkStatus();
}

void StoreImpl::AfterOperation(bool changed) {
  if (absl::Status failure = admin_->failure(); !failure.ok()) committer_->Fail(failure);
  // Until the next checkpoint nothing but the metadata log's own bytes tells that they were promised.
  if (changed) checkpointer_->NoteUrgent();
}

absl::Status StoreImpl::ValidateCreate(const TopicSpec& spec) const { return admin_->ValidateCreate(spec); }

absl::Status StoreImpl::ValidateAlter(absl::string_view name, const TopicChange& change) const {
  return admin_->ValidateAlter(name, change);
}

void StoreImpl::OnCommitted(absl::Span<const CommitOutcome> outcomes) {
  listener_.OnCommitted(outcomes);
  const uint64_t rolls = counters_.segments_rolled.load(std::memory_order_relaxed);
  if (rolls_seen_.exchange(rolls, std::memory_order_relaxed) != rolls) {
    checkpointer_->NoteUrgent();
  } else {
    checkpointer_->Note();
  }
}

void StoreImpl::Tick() {
  if (stopping_.load(std::memory_order_relaxed)) return;
  for (const auto& log : table_.Logs()) log->Maintain();
  reserve_.Hold();
  background_->PostAfter(absl::Seconds(1), [this] { Tick(); });
}

void StoreImpl::RemoveInBackground(std::string path) {
  background_->Post([this, path = std::move(path)]() mutable {
    if (stopping_.load(std::memory_order_relaxed)) return;
    const absl::Status removed = RemoveTree(fs_, path);
    if (CodeOf(removed) != ErrorCode::kLimitExceeded) return;  // else: found again at the next start
    background_->PostAfter(absl::Seconds(1),
                           [this, path = std::move(path)]() mutable { RemoveInBackground(std::move(path)); });
  });
}

StoreStats StoreImpl::stats() const {
  const Committer::Stats commits = committer_->stats();
  StoreStats stats;
  stats.commit_groups = commits.groups;
  stats.group_partitions_p50 = commits.group_partitions_p50;
  stats.journal_groups = commits.journal_groups;
  const Journal::Stats journal = journal_->stats();
  stats.journal_files = journal.files;
  stats.journal_bytes = journal.bytes;
  stats.journal_bytes_max = journal.bytes_max;
  stats.journal_bytes_written = journal.bytes_written;
  stats.unsynced_partitions = syncer_->waiting();
  stats.cost = cost_.terms();
  stats.sync = commits.sync;
  stats.appended_batches = counters_.appended_batches.load(std::memory_order_relaxed);
  stats.appended_bytes = counters_.appended_bytes.load(std::memory_order_relaxed);
  stats.open_files = files_.open_files();
  stats.segments_rolled = counters_.segments_rolled.load(std::memory_order_relaxed);
  stats.indexes_rebuilt = counters_.indexes_rebuilt.load(std::memory_order_relaxed);
  stats.checkpoints_written = checkpointer_->written();
  stats.disk_free_bytes = fs_.FreeSpace(paths_.root).value_or(0);
  stats.disk_full_errors = counters_.disk_full_errors.load(std::memory_order_relaxed);
  return stats;
}

absl::Status StoreImpl::Close() {
  MutexLock lock(close_mutex_);
  if (closed_.has_value()) return *closed_;
  // First the metadata: no topic comes or goes from here on.
  absl::Status status = admin_->Close();
  status.Update(CommitAndCloseLogs());
  // Only what is true is called clean.
  if (status.ok()) status = WithReserve([this] { return checkpointer_->Write(/*clean=*/true); });
  StopExecutors();
  closed_ = status;
  return status;
}

absl::Status StoreImpl::WithReserve(const std::function<absl::Status()>& write) {
  absl::Status written = write();
  if (CodeOf(written) != ErrorCode::kDiskFull) return written;
  reserve_.Release();
  written = write();
  reserve_.TakeBack();
  return written;
}

absl::Status StoreImpl::CommitAndCloseLogs() {
  // Nothing is left to the journal.
  committer_->GoDirect();
  if (absl::Status flushed = committer_->Flush(); !flushed.ok()) return flushed;
  const LogList logs = table_.Logs();
  for (const auto& log : logs) {
    // Indexes are a cache: what could not be written is rebuilt.
    log->Close().IgnoreError();
    // What came after the flush and before the log was closed.
    log->RequestCommit();
  }
  return committer_->Flush();
}

void StoreImpl::StopExecutors() {
  stopping_.store(true, std::memory_order_relaxed);
  if (checkpointer_ != nullptr) checkpointer_->Stop();
  if (committer_ != nullptr) committer_->Stop();
  if (syncer_ != nullptr) syncer_->Stop();
  if (writeback_ != nullptr) writeback_->Stop();
  if (background_ != nullptr) background_->Stop();
}

absl::StatusOr<std::unique_ptr<LogStore>> LogStore::Open(const StoreOptions& options, FileSystem& fs,
                                                         Runtime& runtime, StoreListener& listener) {
  auto store = std::make_unique<StoreImpl>(options, fs, runtime, listener);
  if (absl::Status opened = store->Open(); !opened.ok()) return opened;
  return store;
}

}  // namespace leat
