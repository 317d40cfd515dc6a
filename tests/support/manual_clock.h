#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "protocol/record/mutex.h"
#include "storage/env/clock.h"

namespace leat {

// A clock that stands still until it is told otherwise. Any thread.
class ManualClock final : public Clock {
 public:
  static constexpr int64_t kStartWallMs = 1'700'000'000'000;  // 2023-11-14T22:13:20Z

  absl::Duration Monotonic() const override;
  int64_t WallMs() const override;

  // Both clocks go on by `step`, which is not negative.
  void Advance(absl::Duration step);

  // The wall clock jumps, in either direction; the monotonic clock does not notice.
  void SetWallMs(int64_t wall_ms);

 private:
  mutable Mutex mutex_;
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
  absl::Duration wall_ ABSL_GUARDED_BY(mutex_) = absl::Milliseconds(kStartWallMs);  // since the epoch
};

}  // namespace leat
