#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "bench/load/batch_source.h"
#include "bench/load/histogram.h"
#include "bench/load/report.h"
#include "protocol/record/validate.h"

namespace leat {
namespace {

using ::testing::HasSubstr;

TEST(LatencyHistogramTest, EmptyHasNoPercentiles) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Percentile(99), 0);
  EXPECT_EQ(histogram.max(), 0);
}

TEST(LatencyHistogramTest, SmallValuesAreExact) {
  LatencyHistogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.Record(i);
  EXPECT_EQ(histogram.Percentile(50), 50);
  EXPECT_EQ(histogram.Percentile(99), 99);
  EXPECT_EQ(histogram.Percentile(100), 100);
  EXPECT_EQ(histogram.Percentile(0), 1);
}

TEST(LatencyHistogramTest, AStallIsSeenInTheHighPercentilesOnly) {
  LatencyHistogram histogram;
  for (int i = 0; i < 9990; ++i) histogram.Record(1'000);
  for (int i = 0; i < 10; ++i) histogram.Record(50'000'000);
  EXPECT_LT(histogram.Percentile(99), 1'100);
  EXPECT_GT(histogram.Percentile(99.99), 49'000'000);
}

RC_GTEST_PROP(LatencyHistogramTest, PercentilesAreCloseToTheSortedValues, (std::vector<uint32_t> values)) {
  RC_PRE(!values.empty());
  LatencyHistogram one;
  LatencyHistogram other;
  for (size_t i = 0; i < values.size(); ++i) (i % 2 == 0 ? one : other).Record(values[i]);
  one.Merge(other);
  std::sort(values.begin(), values.end());
  for (const double percentile : {1.0, 50.0, 90.0, 99.9, 100.0}) {
    const auto rank = static_cast<size_t>(std::ceil(percentile / 100 * static_cast<double>(values.size())));
    const double exact = values[std::max<size_t>(rank, 1) - 1];
    const auto found = static_cast<double>(one.Percentile(percentile));
    RC_ASSERT(found >= exact);
    RC_ASSERT(found <= exact * (1 + 1.0 / 64) + 1);
  }
  RC_ASSERT(one.max() == static_cast<int64_t>(values.back()));
}

TEST(ReportTest, TableForPeopleAndJsonForPrograms) {
  Report report("produce");
  report.AddText("ack", "acknowledgement", "ACK_DURABLE");
  report.Add("records_per_s", "records", 1234567, "/s");
  EXPECT_THAT(report.Format(OutputFormat::kTable), HasSubstr("1,234,567 /s"));
  EXPECT_EQ(report.Format(OutputFormat::kJson),
            "{\"benchmark\":\"produce\",\"ack\":\"ACK_DURABLE\",\"records_per_s\":1234567.0}\n");
  EXPECT_EQ(report.Value("records_per_s"), 1234567);
  EXPECT_EQ(report.Value("none"), 0);
}

TEST(BatchSourceTest, BatchesHoldAsManyRecordsAsFitAndAreAcceptedByTheBroker) {
  BatchSource source(1, 100, 1000);
  for (int i = 0; i < 3; ++i) {
    const absl::StatusOr<std::string> batch = source.Next(1'700'000'000'000);
    ASSERT_TRUE(batch.ok());
    EXPECT_EQ(source.count(), 10u);
    const absl::StatusOr<BatchHeader> header = ValidateBatch(*batch, {});
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_EQ(header->record_count, 10);
  }
  BatchSource large(1, 5000, 1000);
  ASSERT_TRUE(large.Next(1'700'000'000'000).ok());
  EXPECT_EQ(large.count(), 1u);
}

}  // namespace
}  // namespace leat
