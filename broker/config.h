#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/meta/topic_config.h"

// The broker's configuration, in one table (design D12): parsing, limits, --help, --print-config and the
// describe calls come from it. Sizes are in bytes, names ending in _ms are milliseconds.

namespace leat {

struct Config {
  // Where.
  std::string data_dir;  // empty: DefaultDataDir()
  std::string listen = "127.0.0.1:9640";
  std::string port_file;
  bool insecure = false;
  int64_t network_threads = 1;
  std::string log_level = "info";
  std::string log_format = "text";

  // Connections.
  int64_t connections_max = 10'000;
  int64_t hello_timeout_ms = 10'000;
  int64_t idle_ms_max = 10 * 60 * 1000;
  int64_t frame_timeout_ms = 30'000;
  int64_t send_stall_ms = 30'000;
  int64_t hello_bytes_max = 8 * 1024;
  int64_t frame_bytes_max = 32 * 1024 * 1024;
  int64_t connection_bytes_in_flight_max = 64 * 1024 * 1024;
  int64_t send_queue_bytes_max = 8 * 1024 * 1024;
  int64_t memory_bytes_max = 256 * 1024 * 1024;

  // Requests.
  int64_t partitions_per_request_max = 2048;
  int64_t fetch_bytes_max = 16 * 1024 * 1024;
  int64_t fetch_wait_ms_max = 60'000;
  int64_t produce_timeout_ms = 30'000;
  int64_t produce_timeout_ms_max = 300'000;

  // Topics.
  bool auto_create_topics = true;
  int64_t default_partitions = 1;
  int64_t topics_max = 10'000;
  int64_t partitions_max = 100'000;
  int64_t partitions_per_topic_max = 10'000;
  TopicConfig topic_defaults;

  // Storage and the end.
  int64_t open_files_max = 4096;
  int64_t checkpoint_interval_ms = 5000;
  std::string commit_mode = "direct";
  std::string journal_dir;
  int64_t journal_bytes_max = 256 * 1024 * 1024;
  std::string on_storage_failure = "stop";
  int64_t shutdown_timeout_ms = 10'000;
};

// One row of the table.
struct SettingInfo {
  std::string name;   // "frame_bytes_max"; "topic.segment_bytes" for the defaults of topics
  std::string type;   // "text", "bytes", "ms", "int", "bool", "enum"
  std::string range;  // for people; empty for text
  std::string doc;
  bool dynamic = false;  // can change without a restart
};

// The rows in the order of Config. Static storage.
absl::Span<const SettingInfo> ConfigSettings();

// Sets one setting from text ("32MiB", "10s", "true"). kInvalidConfig names the setting and what is allowed;
// for an unknown name the nearest known one.
[[nodiscard]] absl::Status SetConfig(Config& config, absl::string_view name, absl::string_view value);

// The text form of one setting, such that SetConfig takes it back. Empty for an unknown name.
std::string GetConfig(const Config& config, absl::string_view name);

// The rules that bind several settings. kInvalidConfig names the settings and what to change.
[[nodiscard]] absl::Status CheckConfig(const Config& config);

// "LEAT_" and the name in capitals, dots as underscores.
std::string EnvironmentName(absl::string_view setting);

}  // namespace leat
