#include "broker/handlers/wire_topic.h"

#include <string>

#include "protocol/wire/error_map.h"

namespace leat {
namespace {

void FillPartition(const PartitionLog& log, wire::PartitionState* out) {
  const LogState state = log.state();
  out->set_partition(log.partition());
  out->set_partition_id(log.id());
  out->set_log_start_offset(state.marks.log_start);
  out->set_durable_offset(state.marks.durable);
  out->set_visible_offset(state.visible);
  out->set_end_offset(state.marks.end);
  out->set_bytes(state.bytes);
  out->set_segments(state.segments);
  out->set_leader_epoch(state.leader_epoch);
  if (!state.write_status.ok()) ToWire(state.write_status, out->mutable_state());
  for (const OffsetRange& range : state.lost) {
    wire::OffsetRange* lost = out->add_lost();
    lost->set_start(range.from);
    lost->set_end(range.to);
  }
}

}  // namespace

void FillTopic(const Topic& topic, wire::TopicMetadata* out) {
  out->set_name(topic.name);
  out->set_topic_id(topic.id);
  out->set_partition_count(static_cast<uint32_t>(topic.partitions.size()));
  out->set_durability(topic.config.durability == TopicDurability::kDurable ? wire::ACK_DURABLE
                                                                           : wire::ACK_WRITTEN);
}

void FillDescription(const Topic& topic, const wire::DescribeTopicRequest& request,
                     wire::DescribeTopicResponse* out) {
  FillTopic(topic, out->mutable_topic());
  for (const TopicSettingInfo& info : TopicSettings()) {
    wire::TopicSetting* setting = out->add_config();
    setting->set_name(std::string(info.name));
    setting->set_value(GetTopicSetting(topic.config, info.name));
    setting->set_type(std::string(info.type));
    setting->set_doc(std::string(info.doc));
    bool is_default = true;
    for (const auto& [name, value] : topic.overrides) is_default = is_default && name != info.name;
    setting->set_is_default(is_default);
  }
  const size_t max = request.max_partitions() == 0 ? topic.partitions.size() : request.max_partitions();
  size_t bytes = 0;
  for (size_t i = request.first_partition(); i < topic.partitions.size(); ++i) {
    const bool full = bytes > kPageBytes || out->partitions_size() == static_cast<int64_t>(max);
    if (request.max_partitions() > 0 && full) return;
    FillPartition(*topic.partitions[i], out->add_partitions());
    bytes += out->partitions().rbegin()->ByteSizeLong();
  }
}

}  // namespace leat
