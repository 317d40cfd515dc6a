#include "storage/meta/metadata_state.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

// Far above any limit of the store; keeps a damaged count from taking all memory.
constexpr uint32_t kPartitionsPerRecordMax = 1'000'000;

absl::Status Contradiction(absl::string_view what) {
  return MakeError(ErrorCode::kDataLoss, absl::StrCat("metadata log contradicts itself: ", what));
}

}  // namespace

absl::Status MetadataState::Check(const MetadataRecord& record) const {
  return std::visit([this](const auto& kind) { return CheckOne(kind); }, record);
}

absl::Status MetadataState::Apply(const MetadataRecord& record) {
  if (absl::Status sound = Check(record); !sound.ok()) return sound;
  std::visit([this](const auto& kind) { ApplyOne(kind); }, record);
  return absl::OkStatus();
}

const TopicMetadata* MetadataState::Find(absl::string_view name) const {
  const auto found = topics_.find(std::string(name));
  return found == topics_.end() ? nullptr : &found->second;
}

Offset MetadataState::LogStart(uint64_t partition_id) const {
  const auto found = log_starts_.find(partition_id);
  return found == log_starts_.end() ? 0 : found->second;
}

std::vector<uint64_t> MetadataState::LastDeleted(absl::string_view name) const {
  const auto found = deleted_.find(name);
  return found == deleted_.end() ? std::vector<uint64_t>() : found->second;
}

absl::Status MetadataState::CheckNewIds(const IdRange& added) const {
  if (added.count == 0) return absl::OkStatus();
  if (added.first < next_partition_id_) {
    return Contradiction(absl::StrCat("partition id ", added.first, " is used twice"));
  }
  if (added.count > kPartitionsPerRecordMax ||
      added.first > std::numeric_limits<uint64_t>::max() - added.count) {
    return Contradiction(absl::StrCat(added.count, " partitions at once"));
  }
  return absl::OkStatus();
}

absl::Status MetadataState::CheckOne(const TopicCreated& record) const {
  if (record.topic_id < next_topic_id_ || record.topic_id == std::numeric_limits<uint64_t>::max()) {
    return Contradiction(absl::StrCat("topic id ", record.topic_id, " is used twice"));
  }
  if (topics_.contains(record.name)) {
    return Contradiction(absl::StrCat("topic ", record.name, " is created twice"));
  }
  if (record.partitions.count == 0) {
    return Contradiction(absl::StrCat("topic ", record.name, " has no partition"));
  }
  return CheckNewIds(record.partitions);
}

absl::Status MetadataState::CheckOne(const TopicAltered& record) const {
  if (!names_.contains(record.topic_id)) {
    return Contradiction(absl::StrCat("no topic has the id ", record.topic_id));
  }
  return CheckNewIds(record.added);
}

absl::Status MetadataState::CheckOne(const TopicDeleted& record) const {
  if (names_.contains(record.topic_id)) return absl::OkStatus();
  return Contradiction(absl::StrCat("no topic has the id ", record.topic_id));
}

absl::Status MetadataState::CheckOne(const LeaderEpochRaised& record) const {
  if (record.epoch > leader_epoch_) return absl::OkStatus();
  return Contradiction(absl::StrCat("leader epoch ", record.epoch, " follows ", leader_epoch_));
}

absl::Status MetadataState::CheckOne(const LogStartMoved& record) const {
  if (record.offset >= LogStart(record.partition_id)) return absl::OkStatus();
  return Contradiction(absl::StrCat("the log start of partition id ", record.partition_id, " moves back"));
}

void MetadataState::AddPartitions(const IdRange& added, std::vector<uint64_t>& ids) {
  if (added.count == 0) return;
  for (uint32_t i = 0; i < added.count; ++i) ids.push_back(added.first + i);
  next_partition_id_ = added.first + added.count;
  partition_count_ += added.count;
}

void MetadataState::ApplyOne(const TopicCreated& record) {
  TopicMetadata topic{record.topic_id, record.name, record.overrides, {}};
  AddPartitions(record.partitions, topic.partition_ids);
  next_topic_id_ = record.topic_id + 1;
  names_.emplace(record.topic_id, record.name);
  topics_.emplace(record.name, std::move(topic));
}

void MetadataState::ApplyOne(const TopicAltered& record) {
  TopicMetadata& topic = topics_.find(names_.find(record.topic_id)->second)->second;
  AddPartitions(record.added, topic.partition_ids);
  topic.overrides = record.overrides;
}

void MetadataState::ApplyOne(const TopicDeleted& record) {
  const auto name = names_.find(record.topic_id);
  const auto topic = topics_.find(name->second);
  for (uint64_t id : topic->second.partition_ids) log_starts_.erase(id);
  partition_count_ -= topic->second.partition_ids.size();
  deleted_[name->second] = std::move(topic->second.partition_ids);
  topics_.erase(topic);
  names_.erase(name);
}

void MetadataState::ApplyOne(const LeaderEpochRaised& record) { leader_epoch_ = record.epoch; }

void MetadataState::ApplyOne(const LogStartMoved& record) {
  log_starts_[record.partition_id] = record.offset;
}

}  // namespace leat
