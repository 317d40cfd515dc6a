#pragma once

#include <cstdint>
#include <string>
#include <vector>

// What a daemon says about itself; see Admin::DescribeServer. Plain values, in the units of their names.

namespace leat {

// One setting of the daemon or of a topic.
struct SettingDescription {
  std::string name;
  std::string value;
  bool is_default = false;
  std::string type;
  std::string doc;
};

struct ServerLimits {
  uint64_t frame_bytes_max = 0;
  uint64_t batch_bytes_max = 0;
  uint64_t connection_bytes_in_flight_max = 0;
  uint64_t fetch_bytes_max = 0;
  uint64_t fetch_wait_ms_max = 0;
  uint64_t idle_ms_max = 0;  // 0: idle connections are kept
  uint32_t partitions_per_request_max = 0;
  uint32_t partitions_per_topic_max = 0;
};

struct DurabilityFigures {
  uint64_t syncs = 0;  // groups made durable since start
  uint64_t sync_p50_us = 0;
  uint64_t sync_p99_us = 0;
  uint64_t sync_max_us = 0;
  uint64_t group_p50 = 0;  // partitions made durable per group
  uint64_t disk_free_bytes = 0;
};

// What the daemon found when it started.
struct RecoveryFigures {
  bool clean = false;  // the last stop was a clean one
  uint64_t partitions = 0;
  uint64_t batches_scanned = 0;
  uint64_t bytes_scanned = 0;
  uint64_t bytes_cut = 0;
  uint64_t bytes_refilled = 0;  // from the commit journal
  uint64_t indexes_rebuilt = 0;
  uint64_t partitions_fenced = 0;
  uint64_t partitions_damaged = 0;  // with records that cannot be read
  uint64_t duration_ms = 0;
  std::vector<std::string> notes;
};

struct MetricReading {
  std::string name;
  std::string kind;  // counter, gauge
  std::string unit;
  std::string doc;
  double value = 0;
};

struct ServerDescription {
  std::string server_version;
  uint32_t protocol_version_min = 0;
  uint32_t protocol_version_max = 0;
  uint64_t uptime_ms = 0;
  std::string data_id;  // names the data directory
  std::string data_dir;
  ServerLimits limits;
  DurabilityFigures durability;
  RecoveryFigures recovery;
  std::vector<MetricReading> metrics;
  std::vector<SettingDescription> settings;
  uint64_t topics = 0;
  uint64_t partitions = 0;
  uint64_t connections = 0;
};

}  // namespace leat
