#pragma once

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"

namespace leat {

// What a process has used so far.
struct ProcessUsage {
  double cpu_seconds = 0;  // user and system, to the nanosecond: short runs count, too
  uint64_t resident_bytes = 0;
  uint64_t peak_bytes = 0;  // resident, at most
};

// kUnavailable when there is no such process.
absl::StatusOr<ProcessUsage> UsageOf(pid_t process);

}  // namespace leat
