#include "client/retry_policy.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {

absl::Duration BackOff(const RetryOptions& options, int failures, SplitMixRandom& random) {
  const double growth = std::pow(options.multiplier, std::max(0, failures - 1));
  const double longest = absl::ToDoubleSeconds(options.max_backoff);
  const double base = std::min(longest, absl::ToDoubleSeconds(options.initial_backoff) * growth);
  return absl::Seconds(base * (1 + options.jitter * (2 * random.Fraction() - 1)));
}

RetryAction AfterFailure(const RetryOptions& options, RetryState& state, const absl::Status& error,
                         MonotonicTime now, SplitMixRandom& random) {
  ++state.failures;
  state.last_error = error;
  if (!IsRetriable(error)) return {false, now, error};
  const MonotonicTime at = After(now, BackOff(options, state.failures, random));
  if (at < state.deadline) return {true, at};
  return {false, now,
          MakeError(ErrorCode::kTimedOut, absl::StrCat("gave up after ", state.failures,
                                                       state.failures == 1 ? " attempt" : " attempts",
                                                       "; the last one failed: ", error.message()))};
}

absl::Status ValidateRetryOptions(const RetryOptions& options) {
  if (options.initial_backoff <= absl::ZeroDuration() || options.max_backoff < options.initial_backoff) {
    return MakeError(ErrorCode::kInvalidRequest,
                     "retry: initial_backoff has to be above zero and max_backoff not below it");
  }
  if (!(options.multiplier >= 1) || !(options.jitter >= 0) || !(options.jitter <= 1)) {
    return MakeError(ErrorCode::kInvalidRequest,
                     "retry: multiplier has to be at least 1 and jitter between 0 and 1");
  }
  return absl::OkStatus();
}

}  // namespace leat
