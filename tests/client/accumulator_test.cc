#include "client/internal/accumulator.h"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"
#include "tests/support/batch_factory.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

class AccumulatorTest : public testing::Test {
 protected:
  explicit AccumulatorTest(absl::Duration linger = absl::ZeroDuration())
      : accumulator_({1000, Codec::kNone, linger, absl::Seconds(10)}) {}

  Accumulator::Place Add(PartitionQueue& queue, const std::string& value) {
    RecordRef record;
    record.value = value;
    const size_t bytes = BatchBuilder::EncodedBytesMax(record.key, record.value, record.headers);
    return accumulator_.Append(queue, {record, 1, bytes, bytes}, now_);
  }
  // What leaves now: the number of records of each batch.
  std::vector<int> Take(size_t count = 100) {
    accumulator_.Advance(now_);
    std::vector<int> records;
    taken_ = accumulator_.Take(1 << 20, count);
    for (const auto& [queue, batch] : taken_) records.push_back(batch->record_count());
    return records;
  }
  static void Seal(PartitionQueue& queue) { EXPECT_THAT(queue.batches.front()->Seal(1, 0, 0), IsOk()); }

  const std::shared_ptr<const std::string> topic_ = std::make_shared<const std::string>("t");
  PartitionQueue a_{topic_, 0};
  PartitionQueue b_{topic_, 1};
  MonotonicTime now_{std::chrono::hours(1)};
  Accumulator accumulator_;
  std::vector<std::pair<PartitionQueue*, std::shared_ptr<SendBatch>>> taken_;
};

TEST_F(AccumulatorTest, ABatchGrowsWhileTheOneBeforeIsUnderWay) {
  EXPECT_TRUE(Add(a_, "1").wake);
  EXPECT_THAT(Take(), ElementsAre(1));
  Add(a_, "2");
  Add(a_, "3");
  EXPECT_THAT(Take(), ElementsAre());
  accumulator_.Done(a_);
  EXPECT_THAT(Take(), ElementsAre(2));
  accumulator_.Done(a_);
  EXPECT_EQ(a_.state, PartitionQueue::State::kIdle);
  EXPECT_EQ(accumulator_.NextEvent(), MonotonicTime::max());
}

TEST_F(AccumulatorTest, ClosesABatchBySize) {
  for (int i = 0; i < 5; ++i) Add(a_, std::string(400, 'x'));
  EXPECT_THAT(Take(), ElementsAre(2));
  accumulator_.Done(a_);
  EXPECT_THAT(Take(), ElementsAre(2));
  accumulator_.Done(a_);
  EXPECT_THAT(Take(), ElementsAre(1));
}

TEST_F(AccumulatorTest, ManyWaitingBatchesAreFlushedInOneWalk) {
  // A walk over all batches for each of them would take minutes.
  for (int i = 0; i < 100'000; ++i) Add(a_, std::string(900, 'x'));
  accumulator_.EndLinger();
  EXPECT_EQ(accumulator_.Live().size(), 100'000u);
}

TEST_F(AccumulatorTest, ARecordAboveTheBatchSizeTravelsAlone) {
  Add(a_, "small");
  Add(a_, std::string(5000, 'x'));
  Add(a_, "small");
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Take(), ElementsAre(1));
    accumulator_.Done(a_);
  }
}

TEST_F(AccumulatorTest, TakesOneBatchPerPartitionWithinTheLimits) {
  Add(a_, "1");
  Add(b_, "2");
  EXPECT_THAT(Take(1), ElementsAre(1));
  EXPECT_TRUE(accumulator_.has_ready());
  EXPECT_THAT(Take(), ElementsAre(1));
  EXPECT_EQ(taken_[0].first, &b_);
}

TEST_F(AccumulatorTest, AFailedBatchStaysInFrontAndTakesNoMoreRecords) {
  Add(a_, "1");
  EXPECT_THAT(Take(), ElementsAre(1));
  const std::shared_ptr<SendBatch> first = taken_[0].second;
  Seal(a_);
  accumulator_.Retry(a_, now_ + milliseconds(20));
  EXPECT_NE(Add(a_, "2").batch, first);
  EXPECT_EQ(accumulator_.NextEvent(), now_ + milliseconds(20));
  EXPECT_THAT(Take(), ElementsAre());
  now_ += milliseconds(20);
  EXPECT_THAT(Take(), ElementsAre(1));
  EXPECT_EQ(taken_[0].second, first);
}

TEST_F(AccumulatorTest, ExpiresWhatIsNotUnderWay) {
  const auto first = Add(a_, "1").batch;
  Take();
  now_ += milliseconds(1);
  const auto second = Add(a_, "2").batch;
  const auto other = Add(b_, "3").batch;
  now_ += milliseconds(9'999);
  EXPECT_THAT(accumulator_.TakeExpired(now_), ElementsAre());
  now_ += milliseconds(1);
  EXPECT_THAT(accumulator_.TakeExpired(now_), testing::UnorderedElementsAre(second, other));
  EXPECT_THAT(accumulator_.Live(), ElementsAre(first));
  Seal(a_);
  accumulator_.Retry(a_, now_ + milliseconds(5));
  EXPECT_THAT(accumulator_.TakeExpired(now_), ElementsAre(first));
  EXPECT_EQ(a_.state, PartitionQueue::State::kIdle);
  EXPECT_FALSE(accumulator_.has_ready());
}

TEST_F(AccumulatorTest, ClearTakesEverything) {
  const auto first = Add(a_, "1").batch;
  Take();
  const auto second = Add(a_, "2").batch;
  const auto third = Add(b_, "3").batch;
  EXPECT_THAT(accumulator_.Clear(), testing::UnorderedElementsAre(first, second, third));
  EXPECT_TRUE(first->settled && second->settled && third->settled);
  EXPECT_TRUE(a_.batches.empty());
  EXPECT_THAT(Take(), ElementsAre());
}

class LingerTest : public AccumulatorTest {
 protected:
  LingerTest() : AccumulatorTest(absl::Milliseconds(10)) {}
};

TEST_F(LingerTest, WaitsForMoreUntilTheTimeIsOver) {
  EXPECT_TRUE(Add(a_, "1").wake);
  EXPECT_THAT(Take(), ElementsAre());
  EXPECT_EQ(accumulator_.NextEvent(), now_ + milliseconds(10));
  now_ += milliseconds(9);
  Add(a_, "2");
  EXPECT_THAT(Take(), ElementsAre());
  now_ += milliseconds(1);
  EXPECT_THAT(Take(), ElementsAre(2));
}

TEST_F(LingerTest, AFullBatchLeavesAtOnce) {
  Add(a_, std::string(600, 'x'));
  EXPECT_TRUE(Add(a_, std::string(600, 'y')).wake);
  EXPECT_THAT(Take(), ElementsAre(1));
  accumulator_.Done(a_);
  EXPECT_THAT(Take(), ElementsAre());  // the second one lingers
  accumulator_.EndLinger();
  EXPECT_THAT(Take(), ElementsAre(1));
}

TEST_F(LingerTest, AFlushAlsoReachesWhatWaitsBehindABatchUnderWay) {
  Add(a_, std::string(2000, 'x'));
  EXPECT_THAT(Take(), ElementsAre(1));
  Add(a_, "2");
  accumulator_.EndLinger();
  accumulator_.Done(a_);
  EXPECT_THAT(Take(), ElementsAre(1));
}

// Whatever happens in whatever order: each partition's records leave in order, one batch at a time, none is
// lost.
RC_GTEST_PROP(AccumulatorProperty, KeepsTheOrderOfEveryPartition,
              (std::vector<uint8_t> steps, bool lingers)) {
  Accumulator accumulator(
      {300, Codec::kNone, lingers ? absl::Milliseconds(3) : absl::ZeroDuration(), absl::Hours(1)});
  const auto topic = std::make_shared<const std::string>("t");
  std::vector<std::unique_ptr<PartitionQueue>> queues;
  for (int i = 0; i < 3; ++i) queues.push_back(std::make_unique<PartitionQueue>(topic, i));
  std::map<PartitionQueue*, std::shared_ptr<SendBatch>> under_way;
  std::map<PartitionQueue*, std::pair<int, int>> counts;  // added, acknowledged
  MonotonicTime now{std::chrono::hours(1)};

  const auto take = [&] {
    accumulator.Advance(now);
    for (auto& [queue, batch] : accumulator.Take(1000, 2)) {
      RC_ASSERT(!under_way.contains(queue));
      if (!batch->sealed()) RC_ASSERT(batch->Seal(1, 0, 0).ok());
      under_way[queue] = batch;
    }
  };
  const auto settle = [&](bool ack) {
    if (under_way.empty()) return;
    auto [queue, batch] = *under_way.begin();
    under_way.erase(queue);
    if (!ack) return accumulator.Retry(*queue, now + milliseconds(2));
    const auto records = DecodeBatches(batch->encoded());
    RC_ASSERT(records.ok());
    for (const TestRecord& record : *records) {
      RC_ASSERT(*record.value == std::to_string(counts[queue].second++));
    }
    accumulator.Done(*queue);
  };
  for (const uint8_t step : steps) {
    PartitionQueue* queue = queues[step % 3].get();
    if (step < 128) {
      const std::string value = std::to_string(counts[queue].first++);
      RecordRef record;
      record.value = value;
      accumulator.Append(*queue, {record, 1, 60, 60}, now);
    } else if (step < 180) {
      take();
    } else if (step < 240) {
      settle(step % 4 != 0);
    } else if (step < 250) {
      now += milliseconds(1);
    } else {
      accumulator.EndLinger();
    }
  }
  for (int i = 0; i < 10'000 && accumulator.NextEvent() != MonotonicTime::max(); ++i) {
    now += milliseconds(5);
    take();
    settle(true);
  }
  while (!under_way.empty()) settle(true);
  for (const auto& [queue, count] : counts) RC_ASSERT(count.first == count.second);
}

}  // namespace
}  // namespace leat
