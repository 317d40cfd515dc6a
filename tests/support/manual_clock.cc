#include "tests/support/manual_clock.h"

namespace leat {

absl::Duration ManualClock::Monotonic() const {
  MutexLock lock(mutex_);
  return monotonic_;
}

int64_t ManualClock::WallMs() const {
  MutexLock lock(mutex_);
  return absl::ToInt64Milliseconds(wall_);
}

void ManualClock::Advance(absl::Duration step) {
  MutexLock lock(mutex_);
  monotonic_ += step;
  wall_ += step;
}

void ManualClock::SetWallMs(int64_t wall_ms) {
  MutexLock lock(mutex_);
  wall_ = absl::Milliseconds(wall_ms);
}

}  // namespace leat
