#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "tools/cli/topic_span.h"

namespace leat {

// The options by which consume and replay choose records.
struct RangeOptions {
  std::string from;
  std::string to;
  std::string offset;
  std::string partitions;
};

void AddRangeOptions(CLI::App* command, RangeOptions* options);

// Usage errors for what makes no sense. `now_ms` is the clock that "@-10m" counts from.
absl::StatusOr<RangeRequest> ParseRangeOptions(const RangeOptions& options, int64_t now_ms);

}  // namespace leat
