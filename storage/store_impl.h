#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/checkpointer.h"
#include "storage/data_directory.h"
#include "storage/disk_reserve.h"
#include "storage/journal/commit_cost.h"
#include "storage/journal/committer.h"
#include "storage/journal/journal.h"
#include "storage/journal/journal_reader.h"
#include "storage/journal/segment_syncer.h"
#include "storage/log_store.h"
#include "storage/meta/checkpoint.h"
#include "storage/topic_admin.h"
#include "storage/topic_table.h"

namespace leat {

// Puts the parts of the storage layer together. storage/README.md draws who runs where.
class StoreImpl final : public LogStore, private StoreListener {
 public:
  StoreImpl(const StoreOptions& options, FileSystem& fs, Runtime& runtime, StoreListener& listener);
  ~StoreImpl() override;

  // Once, before anything else. store_open.cc
  [[nodiscard]] absl::Status Open();

  TopicPtr FindTopic(absl::string_view name) const override { return table_.Find(name); }
  std::vector<TopicPtr> Topics() const override { return table_.All(); }
  absl::StatusOr<TopicPtr> CreateTopic(const TopicSpec& spec) override;
  absl::StatusOr<TopicPtr> AlterTopic(absl::string_view name, const TopicChange& change) override;
  absl::Status DeleteTopic(absl::string_view name) override;
  absl::Status ValidateCreate(const TopicSpec& spec) const override;
  absl::Status ValidateAlter(absl::string_view name, const TopicChange& change) const override;
  const std::string& data_id() const override { return directory_.format.data_id; }
  const RecoveryReport& recovery() const override { return report_; }
  StoreStats stats() const override;
  absl::Status Close() override;

 private:
  void OnCommitted(absl::Span<const CommitOutcome> outcomes) override;
  void OnStorageFailure(const absl::Status& cause) override { listener_.OnStorageFailure(cause); }
  // Hands a failure that a topic operation met to the committer, whom everybody asks.
  void AfterOperation(bool changed);
  // Every second, on the background executor.
  void Tick();
  void RemoveInBackground(std::string path);
  absl::Status CommitAndCloseLogs();
  // Does it, with the help of the reserve when the disk is full.
  absl::Status WithReserve(const std::function<absl::Status()>& write);
  void StopExecutors();

  // store_open.cc
  struct OpeningTopic {
    const TopicMetadata& metadata;
    ResolvedSettings settings;
  };
  absl::Status SyncKeptDirectories();
  absl::Status ReadLastJournal();
  absl::Status OpenJournal();
  absl::Status ReadLastCheckpoint();
  std::optional<CheckpointEntry> PromiseOf(uint64_t partition_id) const;
  absl::StatusOr<std::unique_ptr<MetadataLog>> OpenMetadata(const MetadataLog::Environment& env);
  absl::Status OpenTopics(const MetadataState& state);
  RecoveryInput InputOf(const OpeningTopic& topic, uint32_t partition, const MetadataState& state);
  absl::Status OpenTopic(const OpeningTopic& topic, absl::Span<const RecoveryInput> inputs,
                         absl::Span<const RecoveredPartition> recovered);
  absl::Status Recover(MetadataLog& metadata);
  absl::Status Sweep(const MetadataState& state);
  absl::Status RaiseLeaderEpoch(MetadataLog& metadata);
  void CountRecovered(const RecoveredPartition& recovered);
  void Report(std::vector<std::string> notes);
  void StartWork(std::unique_ptr<MetadataLog> metadata);

  const StoreOptions options_;
  FileSystem& fs_;
  Runtime& runtime_;
  StoreListener& listener_;
  const StorePaths paths_;

  DataDirectory directory_;
  RecoveryReport report_;
  CheckpointReading last_checkpoint_;
  JournalReading last_journal_;
  int32_t leader_epoch_ = 0;
  std::vector<std::string> left_to_remove_;

  LogCounters counters_;
  FilePool files_;
  DiskReserve reserve_;
  std::unique_ptr<Executor> background_;
  std::unique_ptr<Executor> writeback_;
  CommitCost cost_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<SegmentSyncer> syncer_;
  std::unique_ptr<Committer> committer_;
  std::optional<LogEnvironment> env_;
  TopicTable table_;
  std::unique_ptr<TopicAdmin> admin_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::atomic<uint64_t> rolls_seen_{0};
  std::atomic<bool> stopping_{false};
  Mutex close_mutex_;
  std::optional<absl::Status> closed_ ABSL_GUARDED_BY(close_mutex_);
};

}  // namespace leat
