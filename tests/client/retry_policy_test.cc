#include "client/retry_policy.h"

#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "rapidcheck/gtest.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

const MonotonicTime kNow{std::chrono::hours(1)};

absl::Duration Delay(const RetryAction& action) { return absl::FromChrono(action.at - kNow); }

TEST(RetryPolicyTest, GrowsUpToTheLimit) {
  RetryOptions options;
  options.jitter = 0;
  SplitMixRandom random(1);
  RetryState state;
  const int expected_ms[] = {20, 40, 80, 160, 320, 640, 1000, 1000};
  for (const int ms : expected_ms) {
    const RetryAction action =
        AfterFailure(options, state, MakeError(ErrorCode::kUnavailable, "gone"), kNow, random);
    ASSERT_TRUE(action.retry);
    EXPECT_NEAR(absl::ToDoubleMilliseconds(Delay(action)), ms, 0.001);
  }
  EXPECT_EQ(state.failures, 8);
}

TEST(RetryPolicyTest, GivesUpAtOnceOnErrorsThatStay) {
  SplitMixRandom random(1);
  RetryState state;
  const absl::Status error = MakeError(ErrorCode::kUnknownTopic, "no topic x");
  const RetryAction action = AfterFailure({}, state, error, kNow, random);
  EXPECT_FALSE(action.retry);
  EXPECT_EQ(action.error, error);
}

TEST(RetryPolicyTest, GivesUpWhenTheNextAttemptWouldComeTooLate) {
  RetryOptions options;
  options.jitter = 0;
  SplitMixRandom random(1);
  RetryState state;
  state.deadline = kNow + std::chrono::milliseconds(30);
  const absl::Status error = MakeError(ErrorCode::kDiskFull, "no space on disk");
  EXPECT_TRUE(AfterFailure(options, state, error, kNow, random).retry);          // in 20 ms
  const RetryAction action = AfterFailure(options, state, error, kNow, random);  // in 40 ms
  EXPECT_FALSE(action.retry);
  EXPECT_THAT(action.error, StatusIs(ErrorCode::kTimedOut));
  EXPECT_THAT(std::string(action.error.message()), testing::HasSubstr("no space on disk"));
  EXPECT_THAT(std::string(action.error.message()), testing::HasSubstr("2 attempts"));
}

TEST(RetryPolicyTest, RepeatsItselfWithTheSameSeed) {
  SplitMixRandom one(7), same(7), other(8);
  const absl::Duration first = BackOff({}, 3, one);
  EXPECT_EQ(first, BackOff({}, 3, same));
  EXPECT_NE(first, BackOff({}, 3, other));
}

TEST(RetryPolicyTest, RefusesOptionsOutOfRange) {
  RetryOptions options;
  EXPECT_THAT(ValidateRetryOptions(options), IsOk());
  options.jitter = 1.5;
  EXPECT_THAT(ValidateRetryOptions(options), StatusIs(ErrorCode::kInvalidRequest));
  options = RetryOptions();
  options.multiplier = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(ValidateRetryOptions(options), StatusIs(ErrorCode::kInvalidRequest));
  options = RetryOptions();
  options.max_backoff = absl::Milliseconds(1);
  EXPECT_THAT(ValidateRetryOptions(options), StatusIs(ErrorCode::kInvalidRequest));
}

RC_GTEST_PROP(RetryPolicyProperty, DelaysStayWithinTheJitter, (uint64_t seed, uint16_t failures_seed)) {
  const int failures = 1 + failures_seed % 5000;
  RetryOptions options;
  RetryOptions exact;
  exact.jitter = 0;
  SplitMixRandom random(seed), unused(0);
  const double delay = absl::ToDoubleSeconds(BackOff(options, failures, random));
  const double middle = absl::ToDoubleSeconds(BackOff(exact, failures, unused));
  RC_ASSERT(middle <= 1.0 + 1e-9);
  RC_ASSERT(delay >= middle * 0.8 - 1e-6);
  RC_ASSERT(delay <= middle * 1.2 + 1e-6);
}

}  // namespace
}  // namespace leat
