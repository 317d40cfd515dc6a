#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/load/report.h"

// What this machine can do at most, measured with as little between as possible (performance ratios are taken
// against these, in the same run).

namespace leat {

struct FloorOptions {
  std::string directory = ".";                 // on the disk to measure
  absl::Duration duration = absl::Seconds(1);  // of each measurement
};

// Each gives one figure; an error names the system call that failed.
absl::StatusOr<double> LoopbackBytesPerSecond(absl::Duration duration, bool use_sendfile,
                                              const std::string& directory);
absl::StatusOr<double> PageCacheWriteBytesPerSecond(absl::Duration duration, const std::string& directory);
// Sequential write of `chunk` bytes and fdatasync, again and again, into a growing file.
absl::StatusOr<double> SyncedWriteBytesPerSecond(absl::Duration duration, const std::string& directory,
                                                 size_t chunk);
// Append of `bytes` and one fdatasync.
absl::StatusOr<LatencyHistogram> SyncLatency(absl::Duration duration, const std::string& directory,
                                             size_t bytes);
// Ping-pong of 64 bytes between two threads over loopback TCP.
absl::StatusOr<LatencyHistogram> RoundTripLatency(absl::Duration duration);
double Crc32cBytesPerSecond(absl::Duration duration, size_t chunk);

// All of them.
absl::StatusOr<Report> MeasureFloors(const FloorOptions& options);

}  // namespace leat
