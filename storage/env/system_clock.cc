#include <chrono>

#include "storage/env/clock.h"

namespace leat {
namespace {

class SystemClockImpl final : public Clock {
 public:
  absl::Duration Monotonic() const override {
    return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }

  int64_t WallMs() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace

Clock& SystemClock() {
  static SystemClockImpl* const instance = new SystemClockImpl;  // never destroyed
  return *instance;
}

}  // namespace leat
