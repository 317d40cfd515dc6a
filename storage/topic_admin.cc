#include "storage/topic_admin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {

TopicPtr MakeTopic(const TopicMetadata& metadata, const ResolvedSettings& settings, const LogList& logs) {
  auto topic = std::make_shared<Topic>();
  topic->id = metadata.id;
  topic->name = metadata.name;
  topic->config = settings.config;
  topic->overrides = settings.overrides;
  topic->partitions.assign(logs.begin(), logs.end());
  return topic;
}

TopicAdmin::TopicAdmin(const Parts& parts, std::unique_ptr<MetadataLog> metadata)
    : parts_(parts), metadata_(std::move(metadata)) {}

absl::Status TopicAdmin::CheckOpen() const {
  if (closed_) return MakeError(ErrorCode::kShuttingDown, "the store is closing");
  return failure_;
}

absl::Status TopicAdmin::Fail(const absl::Status& cause) {
  failure_.Update(cause);
  return cause;
}

absl::Status TopicAdmin::Record(const MetadataRecord& record) {
  absl::Status appended = metadata_->Append(record);
  if (!metadata_->failure().ok()) return Fail(appended);
  return appended;
}

absl::StatusOr<LogList> TopicAdmin::AddPartitions(const PartitionPlan& plan, const MetadataRecord& record) {
  absl::StatusOr<LogList> logs = CreatePartitions(parts_.paths, plan, parts_.env);
  if (!logs.ok()) return logs;
  absl::Status recorded = SyncPartitions(parts_.env.fs, parts_.paths, *logs);
  if (!recorded.ok() && CodeOf(recorded) != ErrorCode::kLimitExceeded) return Fail(recorded);
  if (recorded.ok()) recorded = Record(record);
  if (recorded.ok()) return logs;
  // When it is not known whether the record is there, the directories must be.
  if (failure_.ok()) {
    for (const auto& log : *logs) log->MarkDeleted();
    DiscardPartitions(parts_.env.fs, parts_.paths, plan);
  }
  return recorded;
}

absl::StatusOr<TopicPtr> TopicAdmin::Create(const TopicSpec& spec) {
  MutexLock lock(mutex_);
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  const MetadataState& state = metadata_->state();
  const absl::StatusOr<ResolvedSettings> settings = CheckCreate(parts_.options, state, spec);
  if (!settings.ok()) return settings.status();
  const IdRange ids{state.next_partition_id(), spec.partition_count};
  const TopicCreated record{state.next_topic_id(), spec.name, ids, settings->overrides};
  const PartitionPlan plan{spec.name, 0, ids, parts_.leader_epoch,
                           std::make_shared<TopicConfig>(settings->config)};
  absl::StatusOr<LogList> logs = AddPartitions(plan, record);
  if (!logs.ok()) return logs.status();
  TopicPtr topic = MakeTopic(*state.Find(spec.name), *settings, *logs);
  parts_.table.Put(topic, *std::move(logs));
  return topic;
}

absl::StatusOr<TopicPtr> TopicAdmin::Alter(absl::string_view name, const TopicChange& change) {
  MutexLock lock(mutex_);
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  const MetadataState& state = metadata_->state();
  const absl::StatusOr<ResolvedSettings> settings = CheckAlter(parts_.options, state, name, change);
  if (!settings.ok()) return settings.status();
  const TopicMetadata& former = *state.Find(name);
  const auto count = static_cast<uint32_t>(former.partition_ids.size());
  const IdRange ids{state.next_partition_id(), std::max(change.partition_count, count) - count};
  const TopicAltered record{former.id, ids, settings->overrides};
  const auto config = std::make_shared<const TopicConfig>(settings->config);
  const PartitionPlan plan{std::string(name), count, ids, parts_.leader_epoch, config};
  absl::StatusOr<LogList> added = LogList();
  if (ids.count > 0) {
    added = AddPartitions(plan, record);
  } else if (absl::Status recorded = Record(record); !recorded.ok()) {
    added = recorded;
  }
  if (!added.ok()) return added.status();
  LogList logs = parts_.table.LogsOf(name);
  for (const auto& log : logs) log->SetConfig(config);
  logs.insert(logs.end(), added->begin(), added->end());
  TopicPtr topic = MakeTopic(*state.Find(name), *settings, logs);
  parts_.table.Put(topic, std::move(logs));
  return topic;
}

absl::StatusOr<LogList> TopicAdmin::Delete(absl::string_view name) {
  MutexLock lock(mutex_);
  if (absl::Status open = CheckOpen(); !open.ok()) return open;
  const TopicMetadata* topic = metadata_->state().Find(name);
  if (topic == nullptr) return UnknownTopic(name);
  const absl::StatusOr<RetirementDirs> dirs = OpenRetirementDirs(parts_.env.fs, parts_.paths);
  if (!dirs.ok()) return dirs.status();
  const TopicDeleted record{topic->id};
  absl::Status recorded = Record(record);
  if (CodeOf(recorded) == ErrorCode::kDiskFull) {
    // Deleting is how room is made.
    parts_.reserve.Release();
    recorded = Record(record);
    parts_.reserve.TakeBack();
  }
  if (!recorded.ok()) return recorded;
  const LogList logs = parts_.table.LogsOf(name);
  parts_.table.Remove(name);
  for (const auto& log : logs) log->MarkDeleted();
  absl::Status retired = RetirePartitions(parts_.env.fs, parts_.paths, *dirs, logs);
  // The topic is gone all the same; its name stays taken until the next start.
  if (!retired.ok()) return Fail(retired);
  return logs;
}

absl::Status TopicAdmin::ValidateCreate(const TopicSpec& spec) const {
  MutexLock lock(mutex_);
  return CheckCreate(parts_.options, metadata_->state(), spec).status();
}

absl::Status TopicAdmin::ValidateAlter(absl::string_view name, const TopicChange& change) const {
  MutexLock lock(mutex_);
  return CheckAlter(parts_.options, metadata_->state(), name, change).status();
}

absl::Status TopicAdmin::Close() {
  MutexLock lock(mutex_);
  if (std::exchange(closed_, true)) return absl::OkStatus();
  // Its records are synced one by one; what is left to write are indexes, a cache that is rebuilt.
  metadata_->Close().IgnoreError();
  return absl::OkStatus();
}

absl::Status TopicAdmin::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}

}  // namespace leat
