#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace leat {

// The seam to time (design D8). Any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // Time since an unspecified origin; never goes back. For intervals, deadlines and timers.
  virtual absl::Duration Monotonic() const = 0;

  // Milliseconds since the Unix epoch. May jump in either direction. For timestamps that people see.
  virtual int64_t WallMs() const = 0;
};

// The clocks of this machine. Lives for ever.
Clock& SystemClock();

}  // namespace leat
