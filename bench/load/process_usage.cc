#include "bench/load/process_usage.h"

#include <time.h>

#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {

absl::StatusOr<ProcessUsage> UsageOf(pid_t process) {
  ProcessUsage usage;
  clockid_t clock{};
  timespec time{};
  // Not /proc/PID/stat: that counts in ticks of 10 ms.
  if (process <= 0 || clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return MakeError(ErrorCode::kUnavailable, absl::StrCat("process ", process, " is gone"));
  }
  usage.cpu_seconds = static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  std::ifstream status(absl::StrCat("/proc/", process, "/status"));
  std::string line;
  while (std::getline(status, line)) {
    std::istringstream row(line);
    std::string name;
    uint64_t kib = 0;
    row >> name >> kib;
    if (name == "VmRSS:") usage.resident_bytes = kib * 1024;
    if (name == "VmHWM:") usage.peak_bytes = kib * 1024;
  }
  return usage;
}

}  // namespace leat
