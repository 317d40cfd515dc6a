#include "storage/env/histogram.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace leat {
namespace {

TEST(HistogramTest, EmptyOneHasNothing) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
  EXPECT_EQ(histogram.max(), 0u);
}

TEST(HistogramTest, QuantilesAreAtMostASixteenthTooLarge) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 100'000; ++value) histogram.Record(value);
  for (const double quantile : {0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
    const double exact = quantile * 100'000;
    const auto got = static_cast<double>(histogram.Quantile(quantile));
    EXPECT_GE(got, exact);
    EXPECT_LE(got, exact * (1 + 1.0 / 16) + 1);
  }
  EXPECT_EQ(histogram.Quantile(1), 100'000u);
  EXPECT_EQ(histogram.max(), 100'000u);
}

TEST(HistogramTest, TakesEveryValue) {
  for (int bit = 0; bit < 64; ++bit) {
    for (const uint64_t value : {(uint64_t{1} << bit) - 1, uint64_t{1} << bit, (uint64_t{1} << bit) + 1}) {
      Histogram histogram;
      histogram.Record(value);
      EXPECT_EQ(histogram.Quantile(0.5), value);
    }
  }
  Histogram histogram;
  histogram.Record(std::numeric_limits<uint64_t>::max());
  histogram.Record(0);
  EXPECT_EQ(histogram.max(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(histogram.Quantile(0.5), 0u);
}

}  // namespace
}  // namespace leat
