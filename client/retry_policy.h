#pragma once

#include "absl/status/status.h"
#include "client/internal/monotonic.h"
#include "client/internal/random.h"
#include "client/options.h"

namespace leat {

// What is known about one thing that is tried until it succeeds.
struct RetryState {
  int failures = 0;  // in a row
  MonotonicTime deadline = MonotonicTime::max();
  absl::Status last_error = {};
};

struct RetryAction {
  bool retry = false;  // else: give up and report `error`
  MonotonicTime at;    // when to try again
  absl::Status error = {};
};

// Decides what follows a failure, and counts it. Pure: the same state, error, time and random numbers give
// the same action. Errors that stay (design D12: not retriable) are given up at once; so is an attempt that
// would begin at the deadline or later, with kTimedOut and the last error in its message.
RetryAction AfterFailure(const RetryOptions& options, RetryState& state, const absl::Status& error,
                         MonotonicTime now, SplitMixRandom& random);

// The delay before attempt number `failures` + 1, jitter included.
absl::Duration BackOff(const RetryOptions& options, int failures, SplitMixRandom& random);

// kInvalidRequest when a field is out of its range.
absl::Status ValidateRetryOptions(const RetryOptions& options);

}  // namespace leat
