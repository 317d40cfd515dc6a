#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "bench/load/batch_source.h"
#include "bench/load/histogram.h"
#include "bench/load/loads.h"
#include "bench/load/null_broker.h"
#include "bench/load/process_usage.h"
#include "bench/load/report.h"
#include "protocol/record/validate.h"

namespace leat {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

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

Report ReportOf(double rate) {
  Report report("produce");
  report.AddText("ack", "acknowledgement", "durable");
  report.Add("records_per_s", "records", rate, "/s");
  return report;
}

TEST(ReportTest, TableForPeopleAndJsonForPrograms) {
  const Report report = ReportOf(1234567);
  EXPECT_THAT(FormatRuns({report}, ReportFormat::kTable), HasSubstr("1,234,567 /s"));
  EXPECT_EQ(FormatRuns({report}, ReportFormat::kJson),
            "{\"benchmark\":\"produce\",\"ack\":\"durable\",\"records_per_s\":1234567.0}\n");
  EXPECT_EQ(report.Value("records_per_s"), 1234567);
  EXPECT_EQ(report.Value("none"), 0);
}

TEST(ReportTest, SeveralRunsGiveMedianMinAndMax) {
  Report odd = ReportOf(9);
  odd.Add("only_here", "in one run", 1, "");
  const std::vector<Report> runs = {odd, ReportOf(2), ReportOf(3)};
  const std::string table = FormatRuns(runs, ReportFormat::kTable);
  EXPECT_THAT(table, HasSubstr("produce, 3 runs"));
  EXPECT_THAT(table, ContainsRegex("records +3 +2 +9 /s"));
  EXPECT_THAT(table, Not(HasSubstr("in one run")));
  EXPECT_EQ(FormatRuns(runs, ReportFormat::kJson),
            "{\"benchmark\":\"produce\",\"repeat\":3,\"ack\":\"durable\",\"records_per_s\":3.0,"
            "\"min\":{\"records_per_s\":2.0},\"max\":{\"records_per_s\":9.0},\"runs\":["
            "{\"ack\":\"durable\",\"records_per_s\":9.0,\"only_here\":1.0},"
            "{\"ack\":\"durable\",\"records_per_s\":2.0},{\"ack\":\"durable\",\"records_per_s\":3.0}]}\n");
  EXPECT_THAT(FormatRuns({ReportOf(2), ReportOf(3)}, ReportFormat::kTable), ContainsRegex("2.500 +2 +3 /s"));
}

TEST(ReportTest, PercentilesNeedSamplesBeyondThem) {
  LatencyHistogram histogram;
  const auto has = [&histogram](const char* name) {
    Report report("latency");
    report.AddLatency("l", "l", histogram);
    return report.Has(name);
  };
  histogram.Record(1);
  EXPECT_TRUE(has("l_p50_us"));
  EXPECT_TRUE(has("l_max_us"));
  EXPECT_FALSE(has("l_p90_us"));
  for (int i = 1; i < 999; ++i) histogram.Record(i);
  EXPECT_TRUE(has("l_p90_us"));
  EXPECT_FALSE(has("l_p99_us"));
  histogram.Record(1);
  EXPECT_TRUE(has("l_p99_us"));
  EXPECT_FALSE(has("l_p99_9_us"));
}

TEST(ProcessUsageTest, TellsLessThanAClockTickOfCpuApart) {
  const double tick = 1 / static_cast<double>(sysconf(_SC_CLK_TCK));
  bool told_apart = false;
  // Any step below a tick shows it; the machine may take the CPU away in between, and make one step long.
  for (int i = 0; i < 1000 && !told_apart; ++i) {
    const double begin = UsageOf(getpid())->cpu_seconds;
    const double step = UsageOf(getpid())->cpu_seconds - begin;
    told_apart = step > 0 && step < tick / 2;
  }
  EXPECT_TRUE(told_apart);
  EXPECT_FALSE(UsageOf(0).ok());
}

TEST(ProduceTest, ARunInWhichNothingWasAcknowledgedHasNoResult) {
  const absl::StatusOr<std::unique_ptr<NullBroker>> broker = NullBroker::Start(0, 4096, 1024);
  ASSERT_TRUE(broker.ok()) << broker.status();
  const std::unique_ptr<Target> target = Target::Use(absl::StrCat("127.0.0.1:", (*broker)->port()));
  LoadOptions options;
  options.warm_up = absl::ZeroDuration();
  options.duration = absl::Nanoseconds(1);
  options.verify = false;
  const absl::StatusOr<Report> report = RunProduce(options, *target);
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(std::string(report.status().message()),
              HasSubstr("no batch was acknowledged in the 1ns counted"));
}

RC_GTEST_PROP(PartitionTurnTest, ConnectionsLoadAllPartitionsEvenly, ()) {
  const auto connections = *rc::gen::inRange<uint32_t>(1, 70);
  const auto partitions = *rc::gen::inRange<uint32_t>(1, 200);
  std::vector<uint32_t> batches(partitions);
  for (uint32_t connection = 0; connection < connections; ++connection) {
    PartitionTurn turn(connection, connections, partitions);
    for (uint32_t i = 0; i < partitions; ++i) ++batches[turn.Next()];
  }
  RC_ASSERT(batches == std::vector<uint32_t>(partitions, connections));
}

TEST(PartitionTurnTest, ConnectionsInStepNeverMeetWhileThereArePartitionsForAll) {
  std::vector<PartitionTurn> turns;
  for (uint32_t connection = 0; connection < 64; ++connection) turns.emplace_back(connection, 64, 1000);
  for (int step = 0; step < 1000; ++step) {
    std::set<uint32_t> partitions;
    for (PartitionTurn& turn : turns) partitions.insert(turn.Next());
    EXPECT_EQ(partitions.size(), 64u);
  }
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
