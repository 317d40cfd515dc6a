#include "tools/cli/pacer.h"

#include <gtest/gtest.h>

#include <limits>

namespace leat {
namespace {

TEST(Pacer, WithoutPaceEverythingIsDueAtOnce) {
  Pacer pacer;
  EXPECT_EQ(pacer.Due(5), absl::ZeroDuration());
  EXPECT_EQ(pacer.Due(500'000), absl::ZeroDuration());
}

TEST(Pacer, RateSpreadsRecordsEvenly) {
  Pacer pacer = Pacer::Rate(4);
  EXPECT_EQ(pacer.Due(7), absl::ZeroDuration());
  EXPECT_EQ(pacer.Due(7), absl::Milliseconds(250));
  EXPECT_EQ(pacer.Due(0), absl::Milliseconds(500));
}

TEST(Pacer, SpeedScalesTheDistancesOfTimestamps) {
  Pacer pacer = Pacer::Speed(2);
  EXPECT_EQ(pacer.Due(1000), absl::ZeroDuration());
  EXPECT_EQ(pacer.Due(3000), absl::Seconds(1));
  EXPECT_EQ(pacer.Due(2000), absl::Seconds(1)) << "an older timestamp does not turn time back";
  EXPECT_EQ(pacer.Due(5000), absl::Seconds(2));
}

TEST(Pacer, AnyTimestampsDoNoHarm) {
  Pacer pacer = Pacer::Speed(1);
  EXPECT_EQ(pacer.Due(std::numeric_limits<int64_t>::min()), absl::ZeroDuration());
  EXPECT_GT(pacer.Due(std::numeric_limits<int64_t>::max()), absl::Hours(24 * 365));
}

}  // namespace
}  // namespace leat
