// What a producer does when things go wrong for a while: order and bytes of repeated batches, deadlines.

#include <atomic>
#include <set>
#include <string>
#include <vector>

#include "client/producer.h"
#include "tests/client/client_fixture.h"

namespace leat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = wire::RequestHeader;

class ProducerRetryTest : public ClientFixture {
 protected:
  // Sends `count` numbers, waits for all, and expects each to be acknowledged at the place of its value in
  // the log. `duplicates`: a batch whose reply was lost is there twice.
  void SendAndCheck(int count, bool duplicates) {
    ProducerOptions options;
    options.batch_bytes = 2'000;
    auto producer = MakeProducer(options);
    std::vector<Future<Producer::Delivery>> sent;
    for (int i = 0; i < count; ++i) sent.push_back(producer->Send(ValueRecord("t", std::to_string(i))));
    const std::vector<std::string> stored = StoredAfter(sent);
    Offset previous = -1;
    for (int i = 0; i < count; ++i) {
      const Producer::Delivery delivery = sent[static_cast<size_t>(i)].Get();
      ASSERT_THAT(delivery, IsOk());
      EXPECT_GT(delivery->offset, previous);
      previous = delivery->offset;
      ASSERT_EQ(stored.at(static_cast<size_t>(previous)), std::to_string(i));
    }
    // First occurrences are in order, whatever was repeated.
    std::vector<std::string> first;
    std::set<std::string> seen;
    for (const std::string& value : stored) {
      if (seen.insert(value).second) first.push_back(value);
    }
    for (int i = 0; i < count; ++i) ASSERT_EQ(first.at(static_cast<size_t>(i)), std::to_string(i));
    EXPECT_EQ(stored.size() > static_cast<size_t>(count), duplicates);
    EXPECT_GT(producer->stats().batches_retried, 0u);
  }
  std::vector<std::string> StoredAfter(const std::vector<Future<Producer::Delivery>>& sent) {
    for (const auto& future : sent) EXPECT_TRUE(future.Wait(kLong));
    return broker_.Values("t", 0);
  }
  // Every n-th produce request goes wrong in this way.
  void EveryNth(int n, FakeAction action) {
    broker_.SetScript([this, n, action](const wire::RequestHeader& request) {
      return request.has_produce() && ++calls_ % n == 0 ? action : FakeAction{};
    });
  }
};

TEST_F(ProducerRetryTest, KeepsTheOrderWhenPartitionsRefuseForAWhile) {
  broker_.SetPartitionScript([this](const wire::ProducePartition&) {
    return ++calls_ % 2 == 1 ? ErrorCode::kDiskFull : ErrorCode::kNone;
  });
  SendAndCheck(2'000, false);
}

TEST_F(ProducerRetryTest, KeepsTheOrderWhenWholeRequestsAreRefusedForAWhile) {
  EveryNth(2, {FakeAction::kRefuse, ErrorCode::kShuttingDown});
  SendAndCheck(2'000, false);
}

TEST_F(ProducerRetryTest, KeepsTheOrderWhenConnectionsAreCutBeforeTheRequestIsCarriedOut) {
  EveryNth(3, {FakeAction::kCut});
  SendAndCheck(2'000, false);
}

TEST_F(ProducerRetryTest, KeepsTheOrderWhenConnectionsAreCutBetweenSendAndReply) {
  EveryNth(3, {FakeAction::kServeAndCut});
  SendAndCheck(2'000, true);
}

TEST_F(ProducerRetryTest, RepeatsABatchByteForByteWithItsIdentity) {
  broker_.SetPartitionScript([this](const wire::ProducePartition&) {
    return ++calls_ <= 3 ? ErrorCode::kDiskFull : ErrorCode::kNone;
  });
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", "first")).Get(), IsOk());
  EXPECT_THAT(producer->Send(ValueRecord("t", "second")).Get(), IsOk());
  const std::vector<std::string> arrived = broker_.Arrived("t", 0);
  ASSERT_EQ(arrived.size(), 5u);
  for (size_t i = 1; i < 4; ++i) EXPECT_EQ(arrived[i], arrived[0]);
  const BatchHeader first = DecodeBatchHeader(arrived[0]);
  const BatchHeader second = DecodeBatchHeader(arrived[4]);
  EXPECT_EQ(first.producer_id, producer->producer_id());
  EXPECT_GE(first.producer_id, 0);
  EXPECT_EQ(first.producer_epoch, 0);
  EXPECT_EQ(first.base_sequence, 0);
  EXPECT_EQ(second.producer_id, first.producer_id);
  EXPECT_EQ(second.base_sequence, 1);
}

TEST_F(ProducerRetryTest, ABatchThatMayBeStoredBeginsAnEpoch) {
  broker_.CreateTopic("t", 1);
  broker_.SetScript([this](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() && hold_ ? FakeAction::kServeSilent : FakeAction::kServe};
  });
  ProducerOptions options;
  options.delivery_timeout = absl::Milliseconds(100);
  auto producer = MakeProducer(options);
  EXPECT_THAT(producer->Send(ValueRecord("t", "lost")).Get(), StatusIs(ErrorCode::kTimedOut));
  hold_ = false;
  EXPECT_THAT(producer->Send(ValueRecord("t", "next")).Get(), IsOk());
  const BatchHeader next = DecodeBatchHeader(broker_.Arrived("t", 0).back());
  EXPECT_EQ(next.producer_epoch, 1);
  EXPECT_EQ(next.base_sequence, 0);
}

TEST_F(ProducerRetryTest, OnePartitionWithTroubleDoesNotHoldUpTheOthers) {
  broker_.CreateTopic("t", 2);
  broker_.SetPartitionScript([](const wire::ProducePartition& entry) {
    return entry.partition() == 0 ? ErrorCode::kDiskFull : ErrorCode::kNone;
  });
  auto producer = MakeProducer();
  Record stuck = ValueRecord("t", "stuck");
  stuck.partition = 0;
  Future<Producer::Delivery> waiting = producer->Send(stuck);
  Record free = ValueRecord("t", "free");
  free.partition = 1;
  for (int i = 0; i < 20; ++i) EXPECT_THAT(producer->Send(free).Get(), IsOk());
  EXPECT_FALSE(waiting.ready());
  broker_.SetPartitionScript(nullptr);
  EXPECT_THAT(waiting.Get(), IsOk());
}

TEST_F(ProducerRetryTest, ARestartOfTheBrokerIsNotNoticed) {
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", "before")).Get(), IsOk());
  broker_.Stop();
  std::vector<Future<Producer::Delivery>> sent;
  for (int i = 0; i < 10; ++i) sent.push_back(producer->Send(ValueRecord("t", std::to_string(i))));
  EXPECT_FALSE(sent.back().Wait(absl::Milliseconds(20)));
  broker_.Start();
  for (auto& future : sent) EXPECT_THAT(future.Get(), IsOk());
  EXPECT_THAT(broker_.Values("t", 0),
              ElementsAre("before", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"));
}

TEST_F(ProducerRetryTest, ARecordForANewTopicWaitsForTheBrokerToComeUp) {
  broker_.Stop();
  auto producer = MakeProducer();
  Future<Producer::Delivery> sent = producer->Send(ValueRecord("t", "early"));
  EXPECT_FALSE(sent.Wait(absl::Milliseconds(20)));
  broker_.Start();
  EXPECT_THAT(sent.Get(), IsOk());
}

TEST_F(ProducerRetryTest, APassingErrorOfANewTopicIsTriedAgain) {
  broker_.SetScript([this](const wire::RequestHeader& request) {
    return request.has_metadata() && ++calls_ <= 3 ? FakeAction{FakeAction::kNoSpace} : FakeAction{};
  });
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), IsOk());
  EXPECT_EQ(calls_, 4);
}

TEST_F(ProducerRetryTest, TheDeadlineHoldsWhileTheBrokerIsAway) {
  ProducerOptions options;
  options.delivery_timeout = absl::Milliseconds(100);
  auto producer = MakeProducer(options);
  EXPECT_THAT(producer->Send(ValueRecord("t", "before")).Get(), IsOk());
  broker_.Stop();
  Producer::Delivery known = producer->Send(ValueRecord("t", "v")).Get();
  EXPECT_THAT(known, StatusIs(ErrorCode::kTimedOut));
  EXPECT_THAT(std::string(known.status().message()), HasSubstr(broker_.address()));
  // Of a topic that was never seen.
  Producer::Delivery unknown = producer->Send(ValueRecord("other", "v")).Get();
  EXPECT_FALSE(unknown.ok());
  EXPECT_THAT(std::string(unknown.status().message()), HasSubstr(broker_.address()));
  EXPECT_EQ(producer->stats().buffered_bytes, 0u);
}

TEST_F(ProducerRetryTest, TheDeadlineHoldsWhileTheBrokerIsSilent) {
  broker_.CreateTopic("t", 1);
  broker_.SetScript([](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() ? FakeAction::kServeSilent : FakeAction::kServe};
  });
  ProducerOptions options;
  options.delivery_timeout = absl::Milliseconds(100);
  auto producer = MakeProducer(options);
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), StatusIs(ErrorCode::kTimedOut));
}

TEST_F(ProducerRetryTest, ASilentConnectionIsGivenUpAndTheBatchSentOnAnother) {
  broker_.CreateTopic("t", 1);
  broker_.SetScript([this](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() && ++calls_ == 1 ? FakeAction::kIgnore : FakeAction::kServe};
  });
  ClientOptions options = Options();
  options.request_timeout = absl::Milliseconds(50);
  MakeClient(options);
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), IsOk());
  EXPECT_EQ(broker_.Count(Kind::kHello), 2);
  EXPECT_THAT(broker_.Values("t", 0), ElementsAre("v"));
}

TEST_F(ProducerRetryTest, RepliesMayComeInAnyOrder) {
  broker_.CreateTopic("t", 3);
  broker_.SetScript([](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() ? FakeAction::kHold : FakeAction::kServe};
  });
  auto producer = MakeProducer();
  std::vector<Future<Producer::Delivery>> sent;
  for (int32_t partition = 0; partition < 3; ++partition) {
    Record record = ValueRecord("t", std::to_string(partition));
    record.partition = partition;
    sent.push_back(producer->Send(record));
    EXPECT_TRUE(
        Eventually([&] { return broker_.Values("t", static_cast<uint32_t>(partition)).size() == 1; }));
  }
  EXPECT_GE(broker_.held(), 2);  // the first two may have left together
  broker_.Release();
  for (int32_t partition = 0; partition < 3; ++partition) {
    const Producer::Delivery delivery = sent[static_cast<size_t>(partition)].Get();
    ASSERT_THAT(delivery, IsOk());
    EXPECT_EQ(delivery->partition, partition);
    EXPECT_EQ(delivery->offset, 0);
  }
}

TEST_F(ProducerRetryTest, AtMostOneBatchOfAPartitionIsUnderWay) {
  broker_.SetScript([](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() ? FakeAction::kHold : FakeAction::kServe};
  });
  ProducerOptions options;
  options.batch_bytes = 200;
  auto producer = MakeProducer(options);
  std::vector<Future<Producer::Delivery>> sent;
  for (int i = 0; i < 50; ++i) sent.push_back(producer->Send(ValueRecord("t", std::string(100, 'x'))));
  while (!sent.back().ready()) {
    if (broker_.held() == 0) continue;
    ASSERT_EQ(broker_.held(), 1);
    broker_.Release();
  }
  EXPECT_EQ(broker_.Values("t", 0).size(), 50u);
}

}  // namespace
}  // namespace leat
