#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace leat {

struct FileSetting {
  std::string name;   // tables joined by dots: "topic.segment_bytes"
  std::string value;  // as text
  uint32_t line = 0;
};

// The settings of a TOML file, in the order of its lines. kInvalidConfig with path and line for bad syntax
// and for values that are neither text nor a whole number nor true or false.
absl::StatusOr<std::vector<FileSetting>> ParseConfigFile(absl::string_view text, absl::string_view path);

}  // namespace leat
