#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/meta/metadata_records.h"
#include "storage/meta/topic_config.h"

namespace leat {

struct TopicMetadata {
  uint64_t id = 0;
  std::string name;
  SettingList overrides;  // by name
  std::vector<uint64_t> partition_ids;
};

// What the records of the metadata log add up to. A pure state machine: records in, facts out. One thread.
class MetadataState {
 public:
  // kDataLoss for a record that contradicts those before it.
  [[nodiscard]] absl::Status Check(const MetadataRecord& record) const;
  // Check, and the change if it is OK.
  [[nodiscard]] absl::Status Apply(const MetadataRecord& record);

  const std::map<std::string, TopicMetadata>& topics() const { return topics_; }
  // Null when there is none. The pointer is good until the next Apply.
  const TopicMetadata* Find(absl::string_view name) const;

  // Ids that no record has used so far; those above are unused too.
  uint64_t next_topic_id() const { return next_topic_id_; }
  uint64_t next_partition_id() const { return next_partition_id_; }
  uint64_t partition_count() const { return partition_count_; }
  int32_t leader_epoch() const { return leader_epoch_; }
  // 0 when no record raised it.
  Offset LogStart(uint64_t partition_id) const;

  // The partition ids, in their order, of the topic of this name that was deleted last; empty when there was
  // none. Serves the sweep of what an interrupted deletion left.
  std::vector<uint64_t> LastDeleted(absl::string_view name) const;

 private:
  absl::Status CheckOne(const TopicCreated& record) const;
  absl::Status CheckOne(const TopicAltered& record) const;
  absl::Status CheckOne(const TopicDeleted& record) const;
  absl::Status CheckOne(const LeaderEpochRaised& record) const;
  absl::Status CheckOne(const LogStartMoved& record) const;
  absl::Status CheckNewIds(const IdRange& added) const;
  // These follow an OK from CheckOne.
  void ApplyOne(const TopicCreated& record);
  void ApplyOne(const TopicAltered& record);
  void ApplyOne(const TopicDeleted& record);
  void ApplyOne(const LeaderEpochRaised& record);
  void ApplyOne(const LogStartMoved& record);
  void AddPartitions(const IdRange& added, std::vector<uint64_t>& ids);

  std::map<std::string, TopicMetadata> topics_;       // by name
  absl::flat_hash_map<uint64_t, std::string> names_;  // of live topics, by id
  absl::flat_hash_map<std::string, std::vector<uint64_t>> deleted_;
  absl::flat_hash_map<uint64_t, Offset> log_starts_;
  uint64_t next_topic_id_ = 1;
  uint64_t next_partition_id_ = 1;  // 0 is the metadata log
  uint64_t partition_count_ = 0;
  int32_t leader_epoch_ = 0;
};

}  // namespace leat
