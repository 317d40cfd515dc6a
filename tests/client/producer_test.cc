#include "client/producer.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "client/internal/partitioner.h"
#include "client/task.h"
#include "tests/client/client_fixture.h"

namespace leat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = wire::RequestHeader;

class ProducerTest : public ClientFixture {
 protected:
  static std::vector<std::string> Numbers(int count) {
    std::vector<std::string> numbers;
    for (int i = 0; i < count; ++i) numbers.push_back(std::to_string(i));
    return numbers;
  }
};

TEST_F(ProducerTest, ReportsWhereARecordIs) {
  broker_.CreateTopic("t", 3);
  auto producer = MakeProducer();
  Record record = ValueRecord("t", "value");
  record.partition = 2;
  record.key = "key";
  record.headers = {{"a", "1"}, {"b", std::nullopt}};
  record.timestamp_ms = 1'700'000'000'123;
  for (Offset offset = 0; offset < 2; ++offset) {
    const Producer::Delivery delivery = producer->Send(record).Get();
    ASSERT_THAT(delivery, IsOk());
    EXPECT_EQ(delivery->topic, "t");
    EXPECT_EQ(delivery->partition, 2);
    EXPECT_EQ(delivery->offset, offset);
    EXPECT_EQ(delivery->timestamp_ms, 1'700'000'000'123);
    EXPECT_EQ(delivery->level, Acks::kDurable);
    EXPECT_FALSE(delivery->provisional);
  }
  const auto stored = DecodeBatches(broker_.Log("t", 2));
  ASSERT_THAT(stored, IsOk());
  ASSERT_EQ(stored->size(), 2u);
  EXPECT_EQ((*stored)[1].key, "key");
  EXPECT_EQ((*stored)[1].value, "value");
  EXPECT_EQ((*stored)[1].headers.size(), 2u);
  EXPECT_EQ((*stored)[1].timestamp_ms, 1'700'000'000'123);
}

TEST_F(ProducerTest, ManyRecordsKeepTheirOrderAndTravelTogether) {
  auto producer = MakeProducer();
  std::vector<Future<Producer::Delivery>> sent;
  for (const std::string& value : Numbers(20'000)) sent.push_back(producer->Send(ValueRecord("t", value)));
  Offset expected = 0;
  for (auto& future : sent) ASSERT_EQ(future.Get()->offset, expected++);
  EXPECT_EQ(broker_.Values("t", 0), Numbers(20'000));
  EXPECT_LT(broker_.Count(Kind::kProduce), 2'000);
}

TEST_F(ProducerTest, EveryCodecArrives) {
  for (Codec codec : {Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    ProducerOptions options;
    options.codec = codec;
    auto producer = MakeProducer(options);
    const std::string topic(CodecName(codec));
    EXPECT_THAT(producer->Send(ValueRecord(topic, std::string(10'000, 'x'))).Get(), IsOk());
    EXPECT_EQ(broker_.Values(topic, 0), std::vector<std::string>{std::string(10'000, 'x')});
    EXPECT_LT(broker_.Log(topic, 0).size(), 1'000u);
  }
}

TEST_F(ProducerTest, KeysGoWhereKafkaSendsThem) {
  broker_.CreateTopic("t", 5);
  auto producer = MakeProducer();
  for (const char* key : {"a", "foobar", "21", "abc"}) {
    Record record = ValueRecord("t", "v");
    record.key = key;
    EXPECT_EQ(producer->Send(record).Get()->partition, PartitionOfKey(key, 5));
  }
}

TEST_F(ProducerTest, CallbacksAndCoroutinesGetTheSameReports) {
  auto producer = MakeProducer();
  std::atomic<int> called{0};
  producer->Send(ValueRecord("t", "0"), [&](const Producer::Delivery& delivery) {
    EXPECT_EQ(delivery->offset, 0);
    EXPECT_TRUE(client_->OnIoThread());
    ++called;
  });
  EXPECT_THAT(producer->Flush(kLong), IsOk());
  EXPECT_EQ(called, 1);

  const auto send_twice = [](Producer* target) -> Task<absl::StatusOr<Offset>> {
    Producer::Delivery first = co_await target->Send(ValueRecord("t", "1"));
    if (!first.ok()) co_return first.status();
    Producer::Delivery second = co_await target->Send(ValueRecord("t", "2"));
    if (!second.ok()) co_return second.status();
    co_return second->offset;
  };
  EXPECT_THAT(SyncWait(send_twice(producer.get())), IsOkAndHolds(2));
}

TEST_F(ProducerTest, AcksNoneReportsWithoutAnOffset) {
  ProducerOptions options;
  options.acks = Acks::kNone;
  auto producer = MakeProducer(options);
  const Producer::Delivery delivery = producer->Send(ValueRecord("t", "v")).Get();
  ASSERT_THAT(delivery, IsOk());
  EXPECT_EQ(delivery->offset, -1);
  EXPECT_EQ(delivery->level, Acks::kNone);
  EXPECT_TRUE(broker_.AwaitCount(Kind::kProduce, 1));
  EXPECT_THAT(broker_.Values("t", 0), ElementsAre("v"));
}

TEST_F(ProducerTest, ErrorsThatStayAreReportedAtOnce) {
  broker_.CreateTopic("t", 2);
  auto producer = MakeProducer();
  broker_.SetPartitionScript([](const wire::ProducePartition&) { return ErrorCode::kInvalidTimestamp; });
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), StatusIs(ErrorCode::kInvalidTimestamp));
  EXPECT_EQ(broker_.Count(Kind::kProduce), 1);

  Record record = ValueRecord("t", "v");
  record.partition = 2;
  const Producer::Delivery delivery = producer->Send(record).Get();
  EXPECT_THAT(delivery, StatusIs(ErrorCode::kUnknownPartition));
  EXPECT_THAT(std::string(delivery.status().message()), HasSubstr("only 0 to 1"));
  EXPECT_THAT(producer->Send(ValueRecord("", "v")).Get(), StatusIs(ErrorCode::kInvalidTopicName));
}

TEST_F(ProducerTest, AnUnknownTopicIsReportedWhenTheBrokerDoesNotCreateIt) {
  broker_.SetScript([](const wire::RequestHeader& request) {
    if (request.has_metadata()) return FakeAction{FakeAction::kRefuse, ErrorCode::kUnknownTopic};
    return FakeAction{};
  });
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), StatusIs(ErrorCode::kUnknownTopic));
}

TEST_F(ProducerTest, FindsPartitionsThatWereAdded) {
  broker_.CreateTopic("t", 1);
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), IsOk());
  broker_.CreateTopic("t", 4);
  Record record = ValueRecord("t", "v");
  record.partition = 3;
  // The first answer is still fresh for a moment, in which no other is asked for.
  EXPECT_TRUE(Eventually([&] { return producer->Send(record).Get().ok(); }));
}

TEST_F(ProducerTest, ARecordAboveTheTopicsLimitIsRefused) {
  wire::Limits limits;
  limits.set_frame_bytes_max(1 << 20);
  limits.set_batch_bytes_max(10'000);
  broker_.SetLimits(limits);
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", std::string(20'000, 'x'))).Get(),
              StatusIs(ErrorCode::kBatchTooLarge));
  // This one fits into no frame.
  EXPECT_THAT(producer->Send(ValueRecord("t", std::string(2 << 20, 'x'))).Get(),
              StatusIs(ErrorCode::kBatchTooLarge));
  EXPECT_THAT(producer->Send(ValueRecord("t", "small")).Get(), IsOk());
  EXPECT_EQ(broker_.Count(Kind::kProduce), 2);
}

TEST_F(ProducerTest, BatchesAreSplitUntilTheyFitTheTopic) {
  wire::Limits limits;
  limits.set_batch_bytes_max(1'000);
  broker_.SetLimits(limits);
  for (const Codec codec : {Codec::kNone, Codec::kLz4}) {
    const std::string topic(CodecName(codec));
    ProducerOptions options;
    options.codec = codec;
    options.linger = absl::Hours(1);
    auto producer = MakeProducer(options);
    std::vector<Future<Producer::Delivery>> sent;
    std::vector<std::string> values;
    std::atomic<int> called{0};
    for (int i = 0; i < 200; ++i) {
      values.push_back(std::to_string(i * i * 7919) + std::string(50, 'x'));
      Record record = ValueRecord(topic, values.back());
      record.timestamp_ms = 1'000 + i;
      if (i % 2 == 0) {
        sent.push_back(producer->Send(record));
      } else {
        producer->Send(record, [&called, i](const Producer::Delivery& delivery) {
          EXPECT_EQ(delivery->offset, i);
          ++called;
        });
      }
    }
    EXPECT_THAT(producer->Flush(kLong), IsOk());
    EXPECT_EQ(called, 100);
    for (int i = 0; i < 100; ++i) {
      const Producer::Delivery delivery = sent[static_cast<size_t>(i)].Get();
      ASSERT_THAT(delivery, IsOk());
      EXPECT_EQ(delivery->offset, 2 * i);
      EXPECT_EQ(delivery->timestamp_ms, 1'000 + 2 * i);
    }
    EXPECT_EQ(broker_.Values(topic, 0), values);
    EXPECT_EQ(producer->stats().records_acked, 200u);
    EXPECT_EQ(producer->stats().records_failed, 0u);
    EXPECT_EQ(producer->stats().buffered_bytes, 0u);
    // Later batches fit at once, and no sequence is left out.
    const size_t arrived = broker_.Arrived(topic, 0).size();
    EXPECT_THAT(producer->Send(ValueRecord(topic, std::string(50, 'x'))).Wait(absl::ZeroDuration()),
                testing::IsFalse());
    EXPECT_THAT(producer->Flush(kLong), IsOk());
    EXPECT_EQ(broker_.Arrived(topic, 0).size(), arrived + 1);
    int32_t sequence = 0;
    const std::string stored = broker_.Log(topic, 0);
    for (absl::string_view log = stored; !log.empty();) {
      const BatchHeader header = DecodeBatchHeader(log);
      EXPECT_EQ(header.base_sequence, sequence);
      EXPECT_EQ(header.producer_epoch, 0);
      sequence += header.record_count;
      log.remove_prefix(header.total_bytes());
    }
    EXPECT_EQ(sequence, 201);
  }
}

TEST_F(ProducerTest, ARecordThatIsRefusedFailsAlone) {
  ProducerOptions options;
  options.linger = absl::Hours(1);
  auto producer = MakeProducer(options);
  std::vector<Future<Producer::Delivery>> sent;
  for (const std::string& value : Numbers(100)) {
    Record record = ValueRecord("t", value);
    if (value == "37") record.timestamp_ms = -5;
    sent.push_back(producer->Send(record));
  }
  EXPECT_THAT(producer->Flush(kLong), IsOk());
  for (size_t i = 0; i < sent.size(); ++i) {
    const Producer::Delivery delivery = sent[i].Get();
    EXPECT_EQ(CodeOf(delivery.status()), i == 37 ? ErrorCode::kInvalidTimestamp : ErrorCode::kNone) << i;
  }
  std::vector<std::string> expected = Numbers(100);
  expected.erase(expected.begin() + 37);
  EXPECT_EQ(broker_.Values("t", 0), expected);
  EXPECT_EQ(producer->stats().records_failed, 1u);
  // Its sequence goes to the next one.
  const std::vector<std::string> arrived = broker_.Arrived("t", 0);
  const BatchHeader last = DecodeBatchHeader(arrived.back());
  EXPECT_EQ(last.base_sequence + last.record_count, 99);
}

TEST_F(ProducerTest, LingerGathersRecords) {
  ProducerOptions options;
  options.linger = absl::Hours(1);
  auto producer = MakeProducer(options);
  EXPECT_THAT(producer->Send(ValueRecord("other", "v")).Wait(absl::Milliseconds(20)), testing::IsFalse());
  std::vector<Future<Producer::Delivery>> sent;
  for (const std::string& value : Numbers(100)) sent.push_back(producer->Send(ValueRecord("t", value)));
  EXPECT_THAT(producer->Flush(kLong), IsOk());
  for (auto& future : sent) EXPECT_TRUE(future.ready());
  EXPECT_EQ(broker_.Arrived("t", 0).size(), 1u);
  EXPECT_EQ(broker_.Values("t", 0), Numbers(100));
}

TEST_F(ProducerTest, AFullBufferEndsLingering) {
  ProducerOptions options;
  options.linger = absl::Hours(1);
  options.buffer_bytes_max = 10'000;
  options.max_block = kLong;
  auto producer = MakeProducer(options);
  std::vector<Future<Producer::Delivery>> sent;
  for (int i = 0; i < 30; ++i) sent.push_back(producer->Send(ValueRecord("t", std::string(1'000, 'x'))));
  EXPECT_THAT(producer->Flush(kLong), IsOk());
  for (auto& future : sent) EXPECT_THAT(future.Get(), IsOk());
}

TEST_F(ProducerTest, FlushReturnsAfterTheCallbacks) {
  broker_.CreateTopic("t", 1);
  auto producer = MakeProducer();
  std::atomic<bool> begun{false};
  std::atomic<bool> ended{false};
  producer->Send(ValueRecord("t", "v"), [&](const Producer::Delivery&) {
    begun = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ended = true;
  });
  EXPECT_TRUE(Eventually([&] { return begun.load(); }));
  EXPECT_THAT(producer->Flush(kLong), IsOk());
  EXPECT_TRUE(ended);
}

TEST_F(ProducerTest, AFullBufferBlocksUntilThereIsRoom) {
  broker_.CreateTopic("t", 1);
  broker_.SetScript([this](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() && hold_ ? FakeAction::kHold : FakeAction::kServe};
  });
  ProducerOptions options;
  options.buffer_bytes_max = 10'000;
  auto producer = MakeProducer(options);
  std::atomic<int> accepted{0};
  std::atomic<int> acked{0};
  std::thread sender([&] {
    for (int i = 0; i < 100; ++i) {
      producer->Send(ValueRecord("t", std::string(1'000, 'x')),
                     [&](const Producer::Delivery& delivery) { acked += delivery.ok(); });
      ++accepted;
    }
  });
  EXPECT_TRUE(Eventually([&] { return broker_.held() > 0 && accepted >= 8; }));
  EXPECT_LE(producer->stats().buffered_bytes, 10'000u);
  EXPECT_LT(accepted, 10);
  EXPECT_EQ(acked, 0);
  hold_ = false;
  broker_.Release();
  sender.join();
  EXPECT_THAT(producer->Flush(kLong), IsOk());
  EXPECT_EQ(acked, 100);
  EXPECT_EQ(producer->stats().buffered_bytes, 0u);
}

TEST_F(ProducerTest, AFullBufferFailsWhenChosenOrWhenTheTimeIsOver) {
  broker_.CreateTopic("t", 1);
  broker_.SetScript([](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() ? FakeAction::kIgnore : FakeAction::kServe};
  });
  for (const WhenFull when_full : {WhenFull::kFail, WhenFull::kBlock}) {
    ProducerOptions options;
    options.buffer_bytes_max = 10'000;
    options.when_full = when_full;
    options.max_block = absl::Milliseconds(20);
    auto producer = MakeProducer(options);
    std::vector<Future<Producer::Delivery>> sent;
    for (int i = 0; i < 12; ++i) sent.push_back(producer->Send(ValueRecord("t", std::string(1'000, 'x'))));
    const Producer::Delivery refused = sent.back().Get();
    EXPECT_THAT(refused, StatusIs(ErrorCode::kLimitExceeded));
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("buffer_bytes_max"));
    EXPECT_THAT(producer->Send(ValueRecord("t", std::string(20'000, 'x'))).Get(),
                StatusIs(ErrorCode::kLimitExceeded));
  }
}

TEST_F(ProducerTest, CloseFlushesAndThenRefuses) {
  auto producer = MakeProducer();
  Future<Producer::Delivery> sent = producer->Send(ValueRecord("t", "v"));
  EXPECT_THAT(producer->Close(kLong), IsOk());
  EXPECT_TRUE(sent.ready());
  EXPECT_THAT(sent.Get(), IsOk());
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), StatusIs(ErrorCode::kShuttingDown));
  EXPECT_THAT(producer->Close(kLong), IsOk());
}

TEST_F(ProducerTest, AProducerThatEndsOnTheIoThreadSendsWhatItTook) {
  const auto send_and_forget = [](Client* client) -> Task<absl::Status> {
    auto producer = Producer::Create(*client, {});
    if (!producer.ok()) co_return producer.status();
    const Producer::Delivery first = co_await (*producer)->Send(ValueRecord("t", "0"));
    if (!first.ok()) co_return first.status();
    for (int i = 1; i < 100; ++i) {
      (*producer)->Send(ValueRecord("t", std::to_string(i)), [](const Producer::Delivery&) {});
    }
    co_return absl::OkStatus();
  };
  EXPECT_THAT(SyncWait(send_and_forget(&MakeClient())), IsOk());
  EXPECT_TRUE(Eventually([&] { return broker_.Values("t", 0).size() == 100; }));
  EXPECT_EQ(broker_.Values("t", 0), Numbers(100));
}

TEST_F(ProducerTest, CloseGivesUpAfterItsTime) {
  broker_.SetScript([](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() ? FakeAction::kIgnore : FakeAction::kServe};
  });
  auto producer = MakeProducer();
  Future<Producer::Delivery> sent = producer->Send(ValueRecord("t", "v"));
  EXPECT_THAT(producer->Close(absl::Milliseconds(20)), StatusIs(ErrorCode::kTimedOut));
  EXPECT_THAT(sent.Get(), StatusIs(ErrorCode::kShuttingDown));
}

TEST_F(ProducerTest, ClosingTheClientFailsWhatIsUnderWay) {
  broker_.SetScript([](const wire::RequestHeader& request) {
    return FakeAction{request.has_produce() ? FakeAction::kIgnore : FakeAction::kServe};
  });
  auto producer = MakeProducer();
  Future<Producer::Delivery> sent = producer->Send(ValueRecord("t", "v"));
  EXPECT_TRUE(broker_.AwaitCount(Kind::kProduce, 1));
  client_ = nullptr;
  EXPECT_THAT(sent.Get(), StatusIs(ErrorCode::kShuttingDown));
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), StatusIs(ErrorCode::kShuttingDown));
  EXPECT_THAT(producer->Flush(kLong), IsOk());
}

TEST_F(ProducerTest, RefusesUnusableOptions) {
  MakeClient();
  ProducerOptions options;
  options.buffer_bytes_max = 0;
  EXPECT_THAT(Producer::Create(*client_, options), StatusIs(ErrorCode::kInvalidRequest));
  options = ProducerOptions();
  options.linger = -absl::Seconds(1);
  EXPECT_THAT(Producer::Create(*client_, options), StatusIs(ErrorCode::kInvalidRequest));
}

TEST_F(ProducerTest, ManyThreadsMaySend) {
  broker_.CreateTopic("t", 4);
  auto producer = MakeProducer();
  std::atomic<int> acked{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        Record record = ValueRecord("t", std::to_string(i));
        record.partition = t;
        producer->Send(record, [&](const Producer::Delivery& delivery) { acked += delivery.ok(); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(producer->Flush(kLong), IsOk());
  EXPECT_EQ(acked, 2'000);
  for (uint32_t t = 0; t < 4; ++t) EXPECT_EQ(broker_.Values("t", t), Numbers(500));
}

}  // namespace
}  // namespace leat
