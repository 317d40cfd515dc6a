#include "tests/broker/fake_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {

FakePartition::FakePartition(FakeStore& store, uint64_t id, std::string topic, uint32_t partition,
                             bool durable_topic)
    : store_(store), id_(id), topic_(std::move(topic)), partition_(partition), durable_topic_(durable_topic) {
  file_ = *store_.fs().Open(absl::StrCat("p", id_), OpenMode::kCreateNew);
}

absl::StatusOr<AppendResult> FakePartition::Append(const BatchHeader& header, absl::Span<char> batch,
                                                   CommitUrgency urgency) {
  if (!append_error.ok()) return append_error;
  last_urgency = urgency;
  AppendResult result;
  result.base_offset = marks_.end;
  StampBatch(batch, marks_.end, 0);
  const absl::string_view bytes(batch.data(), batch.size());
  if (absl::Status status = file_->WriteAt(file_bytes_, {bytes}); !status.ok()) return status;
  BatchHeader stored = header;
  stored.base_offset = marks_.end;
  batches_.push_back({stored, file_bytes_, batch.size()});
  file_bytes_ += batch.size();
  marks_.end = stored.next_offset();
  result.next_offset = marks_.end;
  result.marks = marks_;
  if (on_appended) on_appended();
  return result;
}

absl::StatusOr<LogSlice> FakePartition::Read(Offset from, uint64_t max_bytes) {
  ++reads;
  if (deleted_) return MakeError(ErrorCode::kUnknownTopic, "deleted");
  const Offset visible = visible_offset();
  if (from < marks_.log_start || from > visible)
    return MakeError(ErrorCode::kOffsetOutOfRange, "0 to visible");
  LogSlice slice;
  for (const Batch& batch : batches_) {
    if (batch.header.next_offset() <= from || batch.header.base_offset >= visible) continue;
    if (slice.length > 0 && slice.length + batch.bytes > max_bytes) break;
    if (slice.length == 0) slice.position = batch.position;
    slice.length += batch.bytes;
    slice.file = file_;
  }
  return slice;
}

absl::StatusOr<std::optional<TimestampedOffset>> FakePartition::FindTimestamp(int64_t timestamp_ms) {
  ++searches;
  if (on_search) on_search();
  for (const Batch& batch : batches_) {
    if (batch.header.base_offset < visible_offset() && batch.header.max_timestamp_ms >= timestamp_ms) {
      return TimestampedOffset{batch.header.base_offset, batch.header.max_timestamp_ms};
    }
  }
  return std::nullopt;
}

absl::Status FakePartition::commit_status() const {
  return deleted_ ? MakeError(ErrorCode::kUnknownTopic, "deleted") : absl::OkStatus();
}

LogState FakePartition::state() const {
  LogState state;
  state.marks = marks_;
  state.visible = visible_offset();
  state.bytes = file_bytes_;
  state.segments = 1;
  return state;
}

CommitOutcome FakePartition::MakeDurable() {
  marks_.durable = marks_.end;
  return Outcome(absl::OkStatus());
}

CommitOutcome FakePartition::Outcome(const absl::Status& status) {
  return {shared_from_this(), marks_, visible_offset(), status};
}

TopicPtr FakeStore::FindTopic(absl::string_view name) const {
  const auto found = topics_.find(std::string(name));
  return found == topics_.end() ? nullptr : found->second;
}

std::vector<TopicPtr> FakeStore::Topics() const {
  std::vector<TopicPtr> topics;
  for (const auto& [name, topic] : topics_) topics.push_back(topic);
  return topics;
}

absl::Status FakeStore::CheckNew(const TopicSpec& spec, Topic* topic) const {
  if (absl::Status status = CheckTopicName(spec.name); !status.ok()) return status;
  if (topics_.count(spec.name) > 0) return MakeError(ErrorCode::kTopicExists, "exists");
  topic->name = spec.name;
  topic->overrides = spec.config;
  for (const auto& [name, value] : spec.config) {
    if (absl::Status status = SetTopicSetting(topic->config, name, value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<TopicPtr> FakeStore::CreateTopic(const TopicSpec& spec) {
  auto topic = std::make_shared<Topic>();
  if (absl::Status status = CheckNew(spec, topic.get()); !status.ok()) return status;
  topic->id = ++last_id_;
  for (uint32_t i = 0; i < spec.partition_count; ++i) {
    auto log = std::make_shared<FakePartition>(*this, ++last_id_, spec.name, i,
                                               topic->config.durability == TopicDurability::kDurable);
    topic->partitions.push_back(log);
    partitions_[spec.name].push_back(std::move(log));
  }
  topics_[spec.name] = topic;
  if (on_create) on_create();
  return TopicPtr(topic);
}

absl::StatusOr<TopicPtr> FakeStore::AlterTopic(absl::string_view name, const TopicChange& change) {
  auto topic = std::make_shared<Topic>(*FindTopic(name));
  for (const auto& [setting, value] : change.set) {
    if (absl::Status status = SetTopicSetting(topic->config, setting, value); !status.ok()) return status;
    topic->overrides.emplace_back(setting, value);
  }
  topics_[topic->name] = topic;
  return TopicPtr(topic);
}

absl::Status FakeStore::DeleteTopic(absl::string_view name) {
  std::vector<CommitOutcome> outcomes;
  for (const std::shared_ptr<FakePartition>& log : partitions_[std::string(name)]) {
    log->Delete();
    outcomes.push_back(log->Outcome(MakeError(ErrorCode::kUnknownTopic, "the topic was deleted")));
  }
  topics_.erase(std::string(name));
  partitions_.erase(std::string(name));
  listener_.OnCommitted(outcomes);
  return absl::OkStatus();
}

absl::Status FakeStore::ValidateCreate(const TopicSpec& spec) const {
  Topic topic;
  return CheckNew(spec, &topic);
}

absl::Status FakeStore::ValidateAlter(absl::string_view name, const TopicChange& change) const {
  TopicConfig config = FindTopic(name)->config;
  for (const auto& [setting, value] : change.set) {
    if (absl::Status status = SetTopicSetting(config, setting, value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

FakePartition& FakeStore::Partition(absl::string_view topic, uint32_t partition) {
  return *partitions_.at(std::string(topic)).at(partition);
}

void FakeStore::Commit() {
  std::vector<FakePartition*> all;
  for (const auto& [name, logs] : partitions_) {
    for (const auto& log : logs) all.push_back(log.get());
  }
  Commit(all);
}

void FakeStore::Commit(const std::vector<FakePartition*>& partitions) {
  std::vector<CommitOutcome> outcomes;
  for (FakePartition* log : partitions) {
    if (log->marks().durable < log->marks().end) outcomes.push_back(log->MakeDurable());
  }
  if (!outcomes.empty()) listener_.OnCommitted(outcomes);
}

void FakeStore::FailCommit(const absl::Status& cause) {
  std::vector<CommitOutcome> outcomes;
  for (const auto& [name, logs] : partitions_) {
    for (const auto& log : logs) {
      if (log->marks().durable < log->marks().end) outcomes.push_back(log->Outcome(cause));
    }
  }
  listener_.OnCommitted(outcomes);
  listener_.OnStorageFailure(cause);
}

}  // namespace leat
