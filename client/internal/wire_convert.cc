#include "client/internal/wire_convert.h"

#include "protocol/wire/error_map.h"

namespace leat {
namespace {

SettingDescription FromWire(const wire::TopicSetting& setting) {
  return {setting.name(), setting.value(), setting.is_default(), setting.type(), setting.doc()};
}

PartitionDescription FromWire(const wire::PartitionState& partition) {
  PartitionDescription out;
  out.partition = partition.partition();
  out.partition_id = partition.partition_id();
  out.log_start_offset = partition.log_start_offset();
  out.durable_offset = partition.durable_offset();
  out.visible_offset = partition.visible_offset();
  out.end_offset = partition.end_offset();
  out.bytes = partition.bytes();
  out.segments = partition.segments();
  out.leader_epoch = partition.leader_epoch();
  out.state = leat::FromWire(partition.state());
  for (const wire::OffsetRange& range : partition.lost()) out.lost.push_back({range.start(), range.end()});
  return out;
}

ServerLimits FromWire(const wire::Limits& limits) {
  return {limits.frame_bytes_max(),
          limits.batch_bytes_max(),
          limits.connection_bytes_in_flight_max(),
          limits.fetch_bytes_max(),
          limits.fetch_wait_ms_max(),
          limits.idle_ms_max(),
          limits.partitions_per_request_max(),
          limits.partitions_per_topic_max()};
}

DurabilityFigures FromWire(const wire::Durability& durability) {
  return {durability.syncs(),       durability.sync_p50_us(), durability.sync_p99_us(),
          durability.sync_max_us(), durability.group_p50(),   durability.disk_free_bytes()};
}

RecoveryFigures FromWire(const wire::RecoverySummary& recovery) {
  return {recovery.clean(),
          recovery.partitions(),
          recovery.batches_scanned(),
          recovery.bytes_scanned(),
          recovery.bytes_cut(),
          recovery.bytes_refilled(),
          recovery.indexes_rebuilt(),
          recovery.partitions_fenced(),
          recovery.partitions_damaged(),
          recovery.duration_ms(),
          {recovery.notes().begin(), recovery.notes().end()}};
}

}  // namespace

wire::AckLevel ToWire(Acks acks) {
  switch (acks) {
    case Acks::kDurable:
      return wire::ACK_DURABLE;
    case Acks::kWritten:
      return wire::ACK_WRITTEN;
    case Acks::kNone:
      break;
  }
  return wire::ACK_NONE;
}

Acks FromWire(wire::AckLevel level) {
  switch (level) {
    case wire::ACK_DURABLE:
      return Acks::kDurable;
    case wire::ACK_WRITTEN:
      return Acks::kWritten;
    default:
      return Acks::kNone;
  }
}

TopicSummary FromWire(const wire::TopicMetadata& topic) {
  return {topic.name(), topic.topic_id(), topic.partition_count(), FromWire(topic.durability())};
}

TopicDescription FromWire(const wire::DescribeTopicResponse& response) {
  TopicDescription out;
  out.topic = FromWire(response.topic());
  for (const wire::TopicSetting& setting : response.config()) out.settings.push_back(FromWire(setting));
  for (const wire::PartitionState& each : response.partitions()) out.partitions.push_back(FromWire(each));
  return out;
}

ServerDescription FromWire(const wire::ServerInfoResponse& response) {
  ServerDescription out;
  out.server_version = response.server_version();
  out.protocol_version_min = response.protocol_version_min();
  out.protocol_version_max = response.protocol_version_max();
  out.uptime_ms = response.uptime_ms();
  out.data_id = response.data_id();
  out.data_dir = response.data_dir();
  out.limits = FromWire(response.limits());
  out.durability = FromWire(response.durability());
  out.recovery = FromWire(response.recovery());
  for (const wire::Metric& metric : response.metrics()) {
    out.metrics.push_back({metric.name(), metric.kind(), metric.unit(), metric.doc(), metric.value()});
  }
  for (const wire::TopicSetting& setting : response.settings()) out.settings.push_back(FromWire(setting));
  out.topics = response.topics();
  out.partitions = response.partitions();
  out.connections = response.connections();
  return out;
}

}  // namespace leat
