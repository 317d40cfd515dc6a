#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leat {

// What the value of a setting may be, and what TOML has instead.
enum class FileValue : uint8_t { kText, kNumber, kBool, kTable, kOther };

struct FileSetting {
  std::string name;   // tables joined by dots: "topic.segment_bytes"
  std::string value;  // as text; empty for tables and for what no setting can be
  FileValue type = FileValue::kText;
  uint32_t line = 0;
};

// The settings of a TOML file and the tables that they stand in, in the order of its lines. kInvalidConfig
// with path and line for bad syntax.
absl::StatusOr<std::vector<FileSetting>> ParseConfigFile(absl::string_view text, absl::string_view path);

}  // namespace leat
