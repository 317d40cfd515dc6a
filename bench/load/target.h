#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/load/connection.h"

namespace leat {

// What a process has used so far, from /proc.
struct ProcessUsage {
  double cpu_seconds = 0;  // user and system
  uint64_t resident_bytes = 0;
  uint64_t peak_bytes = 0;
};
absl::StatusOr<ProcessUsage> UsageOf(pid_t process);

// The broker under load: one that runs already (`address`), or a leatd of this build, started with an empty
// data directory below `directory` and stopped and removed at the end.
class Target {
 public:
  static absl::StatusOr<std::unique_ptr<Target>> Use(const std::string& address);
  static absl::StatusOr<std::unique_ptr<Target>> Spawn(const std::string& directory,
                                                       const std::vector<std::string>& settings);
  ~Target();

  const std::string& address() const { return address_; }
  pid_t process() const { return process_; }  // 0 when it is not ours
  // Time from the start of the process until it accepted connections.
  double start_ms() const { return start_ms_; }

 private:
  Target() = default;
  std::string address_;
  std::string home_;
  pid_t process_ = 0;
  double start_ms_ = 0;
};

// Creates `topic` afresh with `partitions`.
[[nodiscard]] absl::Status RecreateTopic(Connection& connection, const std::string& topic,
                                         uint32_t partitions,
                                         const std::vector<std::pair<std::string, std::string>>& config = {});
// How many records the topic holds: up to its durable offsets, or to its end offsets.
absl::StatusOr<int64_t> CountRecords(Connection& connection, const std::string& topic, bool durable);

}  // namespace leat
