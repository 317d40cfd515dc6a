#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/record/validate.h"

// The settings of a topic, in one table (design D12): validation, describe, help and documentation come from
// it.

namespace leat {

// What consumers may see (durability-rules: "What a topic promises").
enum class TopicDurability : uint8_t { kDurable, kWritten };

struct TopicConfig {
  TopicDurability durability = TopicDurability::kDurable;
  Validation validation = Validation::kParse;
  int64_t segment_bytes = 128 * 1024 * 1024;
  int64_t segment_ms = 7LL * 24 * 3600 * 1000;
  int64_t index_interval_bytes = 4096;
  int64_t batch_bytes_max = 4 * 1024 * 1024;
  // Timestamps further from the broker's clock are refused; -1: any.
  int64_t timestamp_before_max_ms = -1;
  int64_t timestamp_after_max_ms = 3600 * 1000;
  // Topics of durability "written": how long written records may wait for their sync.
  int64_t flush_ms = 1000;
};

// One row of the table.
struct TopicSettingInfo {
  absl::string_view name;   // as in TopicConfig
  absl::string_view type;   // "bytes", "ms", "enum", "int"
  absl::string_view range;  // for people: "1024..1099511627776", "durable|written"
  absl::string_view doc;
};

// The rows in the order of TopicConfig. Static storage.
absl::Span<const TopicSettingInfo> TopicSettings();

// Sets one setting from text ("64MiB", "7d", "durable"). kInvalidConfig names the setting and what is
// allowed; for an unknown name also the nearest known one.
[[nodiscard]] absl::Status SetTopicSetting(TopicConfig& config, absl::string_view name,
                                           absl::string_view value);

// The text form of one setting, such that SetTopicSetting takes it back. Empty for an unknown name.
std::string GetTopicSetting(const TopicConfig& config, absl::string_view name);

}  // namespace leat
