#pragma once

#include <chrono>
#include <cstdint>

#include "absl/time/time.h"

namespace leat {

// The clock of deadlines and back-off: never set, never jumps.
using MonotonicTime = std::chrono::steady_clock::time_point;

inline MonotonicTime MonotonicNow() { return std::chrono::steady_clock::now(); }

// `from` + `delay`; MonotonicTime::max() when that cannot be represented.
inline MonotonicTime After(MonotonicTime from, absl::Duration delay) {
  if (delay >= absl::Hours(24 * 365)) return MonotonicTime::max();
  return from + absl::ToChronoNanoseconds(delay);
}

// The time of day that records are stamped with.
inline int64_t UnixMillisNow() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch())
      .count();
}

}  // namespace leat
