#pragma once

#include <chrono>
#include <cstdint>

#include "absl/time/time.h"

namespace leat {

// Time since its construction, on the monotonic clock.
class Stopwatch {
 public:
  int64_t Nanos() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begin_)
        .count();
  }
  absl::Duration Elapsed() const { return absl::Nanoseconds(Nanos()); }
  double Seconds() const { return static_cast<double>(Nanos()) / 1e9; }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace leat
