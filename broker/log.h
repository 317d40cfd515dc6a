#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/env/clock.h"

// Log lines of the broker. Any thread. They go to stderr, one line each, as text or JSON; before InitLogging,
// in a program that embeds the broker, only warnings and worse, as text.

namespace leat {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

void Log(LogLevel level, absl::string_view message);

// `level` and `format` as the settings log_level and log_format have them.
void InitLogging(const std::string& level, const std::string& format);
void FlushLogging();

// For lines that a peer can cause: one a second, the others counted. One thread.
class RateLimitedLog {
 public:
  explicit RateLimitedLog(Clock& clock) : clock_(clock) {}
  void Warn(absl::string_view message);

 private:
  Clock& clock_;
  absl::Duration quiet_until_ = -absl::InfiniteDuration();
  uint64_t suppressed_ = 0;
};

}  // namespace leat
