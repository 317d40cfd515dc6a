#include "client/internal/topic_router.h"

#include <set>
#include <string>

#include "client/internal/partitioner.h"
#include "gtest/gtest.h"

namespace leat {
namespace {

class TopicRouterTest : public testing::Test {
 protected:
  TopicRouterTest() { router_.SetPartitionCount(topic_, 4, now_); }

  int32_t Send(const RecordRef& record) {
    PartitionQueue* queue = router_.Route(topic_, record, 100, accumulator_);
    if (queue == nullptr) return -1;
    accumulator_.Append(*queue, {record, 1, 100, 100}, now_);
    return queue->partition;
  }

  MonotonicTime now_{std::chrono::hours(1)};
  Accumulator accumulator_{{1000, Codec::kNone, absl::ZeroDuration(), absl::Minutes(1)}};
  TopicRouter router_{1};
  RoutedTopic& topic_ = router_.Find("topic");
};

TEST_F(TopicRouterTest, ObeysAnExplicitPartition) {
  RecordRef record;
  record.key = "key";
  for (int32_t partition : {3, 0, 2}) {
    record.partition = partition;
    EXPECT_EQ(Send(record), partition);
  }
  record.partition = 4;
  EXPECT_EQ(Send(record), -1);
  record.partition = -1;
  EXPECT_EQ(Send(record), -1);
}

TEST_F(TopicRouterTest, GoesByTheKey) {
  RecordRef record;
  for (const char* key : {"a", "b", "foobar", ""}) {
    record.key = key;
    EXPECT_EQ(Send(record), PartitionOfKey(key, 4));
  }
}

TEST_F(TopicRouterTest, AnUnknownTopicHasNoPartition) {
  RoutedTopic& other = router_.Find("other");
  EXPECT_EQ(router_.Route(other, RecordRef{}, 100, accumulator_), nullptr);
  EXPECT_EQ(&router_.Find("topic"), &topic_);
  EXPECT_EQ(&router_.Find("other"), &other);
}

TEST_F(TopicRouterTest, StaysWithAPartitionUntilItsBatchIsFull) {
  const std::string value(100, 'x');
  const RecordRef record{.value = value};
  std::vector<int32_t> partitions;
  for (int i = 0; i < 40; ++i) partitions.push_back(Send(record));
  int changes = 0;
  for (size_t i = 1; i < partitions.size(); ++i) changes += partitions[i] != partitions[i - 1];
  EXPECT_GE(changes, 3);
  EXPECT_LE(changes, 7);
  EXPECT_EQ(std::set<int32_t>(partitions.begin(), partitions.end()).size(), 4u);
}

TEST_F(TopicRouterTest, MovesOnToAnIdlePartitionWhenABatchHasLeft) {
  const RecordRef record{.value = "x"};
  std::set<int32_t> used;
  for (int i = 0; i < 4; ++i) {
    used.insert(Send(record));
    accumulator_.Take(1 << 20, 100);
  }
  EXPECT_EQ(used.size(), 4u);
  // All have something under way: records gather in one batch.
  const int32_t gathering = Send(record);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Send(record), gathering);
}

TEST_F(TopicRouterTest, UsesPartitionsThatWereAdded) {
  router_.SetPartitionCount(topic_, 6, now_);
  RecordRef record;
  record.partition = 5;
  EXPECT_EQ(Send(record), 5);
}

}  // namespace
}  // namespace leat
