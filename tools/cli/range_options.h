#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "tools/cli/topic_span.h"

namespace leat {

// Refuses an empty value, which would count as none: most likely a variable of a script that is not set.
CLI::Validator NotEmpty();

// The options by which consume and replay choose records.
struct RangeOptions {
  std::string from;
  std::string to;
  std::string offset;
  std::string partitions;
};

// `to_remark` is what --to says about the future.
void AddRangeOptions(CLI::App* command, RangeOptions* options, const std::string& to_remark);

// Usage errors for what makes no sense. `now_ms` is the clock that "@-10m" counts from.
absl::StatusOr<RangeRequest> ParseRangeOptions(const RangeOptions& options, int64_t now_ms);

}  // namespace leat
