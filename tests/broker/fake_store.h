#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/log_store.h"
#include "tests/support/memory_file_system.h"

namespace leat {

class FakeStore;

// A partition in memory. Appends become durable only when the test says so.
class FakePartition final : public PartitionLog, public std::enable_shared_from_this<FakePartition> {
 public:
  FakePartition(FakeStore& store, uint64_t id, std::string topic, uint32_t partition, bool durable_topic);

  uint64_t id() const override { return id_; }
  const std::string& topic() const override { return topic_; }
  uint32_t partition() const override { return partition_; }
  absl::StatusOr<AppendResult> Append(const BatchHeader& header, absl::Span<char> batch,
                                      CommitUrgency urgency) override;
  void RequestCommit() override {}
  absl::StatusOr<LogSlice> Read(Offset from, uint64_t max_bytes) override;
  absl::StatusOr<std::optional<TimestampedOffset>> FindTimestamp(int64_t timestamp_ms) override;
  absl::Status commit_status() const override;
  LogState state() const override;
  Offset visible_offset() const override { return durable_topic_ ? marks_.durable : marks_.end; }
  OffsetMarks marks() const override { return marks_; }

  // What the test sees and does.
  CommitOutcome MakeDurable();
  CommitOutcome Outcome(const absl::Status& status);
  void Delete() { deleted_ = true; }
  absl::Status append_error;  // what the next appends answer, when not OK
  CommitUrgency last_urgency = CommitUrgency::kLater;
  std::function<void()> on_appended;
  int reads = 0;
  int searches = 0;
  std::function<void()> on_search;

 private:
  struct Batch {
    BatchHeader header;
    uint64_t position;
    uint64_t bytes;
  };

  FakeStore& store_;
  const uint64_t id_;
  const std::string topic_;
  const uint32_t partition_;
  const bool durable_topic_;
  std::shared_ptr<File> file_;
  uint64_t file_bytes_ = 0;
  std::vector<Batch> batches_;
  OffsetMarks marks_;
  bool deleted_ = false;
};

// Topics in memory; the test decides when what is appended becomes durable. One thread.
class FakeStore final : public LogStore {
 public:
  explicit FakeStore(StoreListener& listener) : listener_(listener) {}

  TopicPtr FindTopic(absl::string_view name) const override;
  std::vector<TopicPtr> Topics() const override;
  absl::StatusOr<TopicPtr> CreateTopic(const TopicSpec& spec) override;
  absl::StatusOr<TopicPtr> AlterTopic(absl::string_view name, const TopicChange& change) override;
  absl::Status DeleteTopic(absl::string_view name) override;
  absl::Status ValidateCreate(const TopicSpec& spec) const override;
  absl::Status ValidateAlter(absl::string_view name, const TopicChange& change) const override;
  const std::string& data_id() const override { return data_id_; }
  const RecoveryReport& recovery() const override { return recovery_; }
  StoreStats stats() const override { return {}; }
  absl::Status Close() override {
    closed = true;
    return absl::OkStatus();
  }

  FakePartition& Partition(absl::string_view topic, uint32_t partition);
  // One group: makes everything durable, or these partitions only.
  void Commit();
  void Commit(const std::vector<FakePartition*>& partitions);
  // The sync of everything appended fails.
  void FailCommit(const absl::Status& cause);

  StoreListener& listener() { return listener_; }
  FileSystem& fs() { return fs_; }
  bool closed = false;
  std::function<void()> on_create;

 private:
  absl::Status CheckNew(const TopicSpec& spec, Topic* topic) const;

  StoreListener& listener_;
  MemoryFileSystem fs_;
  const std::string data_id_ = "00000000-0000-4000-8000-000000000001";
  RecoveryReport recovery_;
  std::map<std::string, TopicPtr> topics_;
  std::map<std::string, std::vector<std::shared_ptr<FakePartition>>> partitions_;
  uint64_t last_id_ = 0;
};

}  // namespace leat
