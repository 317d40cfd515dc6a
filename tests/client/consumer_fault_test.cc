// What a consumer does when things go wrong: restarts, deleted records, damage, errors that pass.

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "tests/client/client_fixture.h"

namespace leat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConsumerFaultTest : public ClientFixture {
 protected:
  ConsumerFaultTest() { broker_.CreateTopic("t", 2); }

  void Fill(uint32_t partition, std::vector<std::string> values) {
    for (const std::string& value : values) broker_.Append("t", partition, MakeValueBatch({value}));
  }
  std::vector<std::string> Read(Consumer& consumer, size_t count) {
    std::vector<std::string> values;
    while (values.size() < count) {
      const auto records = consumer.Poll(kLong);
      EXPECT_THAT(records, IsOk());
      if (!records.ok() || records->empty()) break;
      for (const ConsumedRecord& record : *records) values.emplace_back(*record.value());
    }
    return values;
  }
  std::unique_ptr<Consumer> Reader(ReadFrom from, ConsumerOptions options = {}) {
    auto consumer = MakeConsumer(std::move(options));
    EXPECT_THAT(consumer->Assign({{kP0, from}}).Get(), IsOk());
    return consumer;
  }
  const TopicPartition kP0{"t", 0};
  const TopicPartition kP1{"t", 1};
};

TEST_F(ConsumerFaultTest, GoesOnWhereItWasAfterARestart) {
  Fill(0, {"0", "1"});
  auto consumer = Reader(ReadFrom::Start());
  EXPECT_THAT(Read(*consumer, 2), ElementsAre("0", "1"));
  broker_.Stop();
  EXPECT_THAT(consumer->Poll(absl::Milliseconds(20)), IsOkAndHolds(IsEmpty()));
  Fill(0, {"2"});
  broker_.Start();
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("2"));
  broker_.CutConnections();
  Fill(0, {"3"});
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("3"));
}

TEST_F(ConsumerFaultTest, PositionsAreLookedUpOnceTheBrokerIsThere) {
  Fill(0, {"0"});
  broker_.Stop();
  auto consumer = MakeConsumer();
  auto assigned = consumer->Assign({{kP0, ReadFrom::Start()}});
  EXPECT_FALSE(assigned.Wait(absl::Milliseconds(20)));
  EXPECT_EQ(consumer->Progress(kP0)->position, -1);
  broker_.Start();
  EXPECT_THAT(assigned.Get(), IsOk());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("0"));
}

TEST_F(ConsumerFaultTest, LooksUpGiveUpAtTheOperationTimeout) {
  broker_.Stop();
  ClientOptions options = Options();
  options.operation_timeout = absl::Milliseconds(30);
  MakeClient(options);
  auto consumer = MakeConsumer();
  const absl::Status status = consumer->Assign({{kP0, ReadFrom::End()}}).Get();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("t-0"));
}

TEST_F(ConsumerFaultTest, ASeekOverridesTheOneBefore) {
  Fill(0, {"0", "1"});
  broker_.SetScript([this](const wire::RequestHeader& request) {
    return FakeAction{request.has_list_offsets() && hold_.exchange(false) ? FakeAction::kHold
                                                                          : FakeAction::kServe};
  });
  auto consumer = MakeConsumer();
  auto first = consumer->Assign({{kP0, ReadFrom::Start()}});
  EXPECT_TRUE(Eventually([&] { return broker_.held() == 1; }));
  EXPECT_THAT(consumer->Seek(kP0, ReadFrom::At(1)).Get(), IsOk());
  EXPECT_THAT(first.Get(), StatusIs(ErrorCode::kInvalidRequest));
  broker_.Release();
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("1"));
}

TEST_F(ConsumerFaultTest, AnOffsetOutOfRangeIsAnErrorByDefault) {
  Fill(0, {"0", "1", "2"});
  Fill(1, {"other"});
  broker_.SetLogStart("t", 0, 2);
  auto consumer = MakeConsumer();
  EXPECT_THAT(consumer->Assign({{kP0, ReadFrom::At(0)}}).Get(), IsOk());
  const auto polled = consumer->Poll(kLong);
  EXPECT_THAT(polled, StatusIs(ErrorCode::kOffsetOutOfRange));
  EXPECT_THAT(std::string(polled.status().message()), HasSubstr("t-0"));
  EXPECT_THAT(consumer->Poll(absl::Milliseconds(10)), IsOkAndHolds(IsEmpty()));  // said once
  EXPECT_THAT(consumer->Seek(kP0, ReadFrom::Start()).Get(), IsOk());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("2"));
}

TEST_F(ConsumerFaultTest, AnOffsetOutOfRangeMayMeanStartOrEnd) {
  Fill(0, {"0", "1", "2"});
  broker_.SetLogStart("t", 0, 1);
  ConsumerOptions options;
  options.out_of_range = OutOfRange::kStart;
  EXPECT_THAT(Read(*Reader(ReadFrom::At(0), std::move(options)), 2), ElementsAre("1", "2"));

  options = ConsumerOptions();
  options.out_of_range = OutOfRange::kEnd;
  auto consumer = Reader(ReadFrom::At(99), std::move(options));
  EXPECT_TRUE(Eventually([&] { return consumer->Progress(kP0)->position == 3; }));
  Fill(0, {"3"});
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("3"));
}

TEST_F(ConsumerFaultTest, ADamagedBatchStopsItsPartitionOnly) {
  Fill(0, {"0"});
  std::string damaged = MakeValueBatch({"1"});
  damaged.back() ^= 1;
  broker_.Append("t", 0, damaged);
  Fill(0, {"2"});
  auto consumer = MakeConsumer();
  EXPECT_THAT(consumer->Assign({{kP0, ReadFrom::Start()}, {kP1, ReadFrom::Start()}}).Get(), IsOk());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("0"));
  const auto polled = consumer->Poll(kLong);
  EXPECT_THAT(polled, StatusIs(ErrorCode::kCorruptBatch));
  EXPECT_THAT(std::string(polled.status().message()), HasSubstr("t-0 at offset 1"));
  Fill(1, {"other"});
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("other"));
  EXPECT_THAT(consumer->Seek(kP0, ReadFrom::At(2)).Get(), IsOk());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("2"));
}

TEST_F(ConsumerFaultTest, ABatchUnderAWrongOffsetIsNeverGivenOut) {
  // Every wrong place of the third of four batches: earlier, overlapping, later, far away.
  for (const Offset wrong : {0, 1, 3, 5, 6, 7, 1'000'000}) {
    const std::string topic = "wrong-" + std::to_string(wrong);
    broker_.CreateTopic(topic, 2);
    for (int batch = 0; batch < 4; ++batch) {
      const std::string bytes = MakeValueBatch({std::to_string(2 * batch), std::to_string(2 * batch + 1)});
      if (batch == 2) {
        broker_.AppendMisplaced(topic, 0, bytes, wrong);
      } else {
        broker_.Append(topic, 0, bytes);
      }
    }
    const TopicPartition partition{topic, 0};
    auto consumer = MakeConsumer();
    EXPECT_THAT(consumer->AssignTopics({topic}, ReadFrom::Start()).Get(), IsOk());
    EXPECT_THAT(Read(*consumer, 4), ElementsAre("0", "1", "2", "3"));
    const auto polled = consumer->Poll(kLong);
    EXPECT_THAT(polled.status(),
                testing::AnyOf(StatusIs(ErrorCode::kDataLoss), StatusIs(ErrorCode::kCorruptBatch)));
    EXPECT_THAT(std::string(polled.status().message()), HasSubstr(topic + "-0 at offset 4"));
    EXPECT_EQ(PartitionOf(polled.status()), partition);
    EXPECT_THAT(consumer->Poll(absl::Milliseconds(5)), IsOkAndHolds(IsEmpty()));  // said once
    EXPECT_EQ(consumer->Progress(partition)->position, 4);
    broker_.Append(topic, 1, MakeValueBatch({"other"}));
    EXPECT_THAT(Read(*consumer, 1), ElementsAre("other"));
    EXPECT_THAT(consumer->Seek(partition, ReadFrom::At(6)).Get(), IsOk());
    EXPECT_THAT(Read(*consumer, 2), ElementsAre("6", "7"));
  }
}

// What a broker that does not open compressed batches may hold.
TEST_F(ConsumerFaultTest, ACompressedBatchThatCannotBeReadStopsItsPartitionUntilItIsPassed) {
  const auto record_of = [](std::string value) {
    TestRecord record;
    record.value = std::move(value);
    return record;
  };
  const std::string bomb = MakeBatch({record_of(std::string(1 << 20, 'x'))}, {.codec = Codec::kGzip});
  const std::string two = MakeBatch({record_of("1"), record_of("2")}, {.codec = Codec::kZstd});
  const auto with_count = [&](int32_t count) {
    std::string bytes = two;
    BatchHeader header = DecodeBatchHeader(bytes);
    header.record_count = count;
    header.last_offset_delta = count - 1;
    EncodeBatchHeader(header, absl::MakeSpan(&bytes[0], bytes.size()));
    SealBatch(absl::MakeSpan(&bytes[0], bytes.size()));
    return bytes;
  };
  std::string garbage = two;
  for (size_t at = kBatchHeaderBytes; at < garbage.size(); ++at) garbage[at] = 'g';
  SealBatch(absl::MakeSpan(&garbage[0], garbage.size()));
  std::string unknown_codec = two;
  unknown_codec[22] |= 7;
  SealBatch(absl::MakeSpan(&unknown_codec[0], unknown_codec.size()));

  int number = 0;
  for (const std::string& bad : {bomb, with_count(1), with_count(5), garbage, unknown_codec}) {
    const std::string topic = "bad-" + std::to_string(number++);
    broker_.CreateTopic(topic, 2);
    broker_.Append(topic, 0, MakeValueBatch({"before"}));
    broker_.Append(topic, 0, bad);
    broker_.Append(topic, 0, MakeValueBatch({"behind"}));
    const TopicPartition partition{topic, 0};
    ConsumerOptions options;
    options.decompressed_bytes_max = 100'000;
    auto consumer = MakeConsumer(std::move(options));
    EXPECT_THAT(consumer->AssignTopics({topic}, ReadFrom::Start()).Get(), IsOk());
    absl::Status status;
    std::vector<std::string> seen;
    while (status.ok()) {
      const auto polled = consumer->Poll(kLong);
      status = polled.status();
      if (polled.ok()) {
        ASSERT_THAT(*polled, testing::Not(IsEmpty()));
        for (const ConsumedRecord& each : *polled) seen.emplace_back(*each.value());
      }
    }
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen[0], "before");
    EXPECT_THAT(status,
                testing::AnyOf(StatusIs(ErrorCode::kCorruptBatch), StatusIs(ErrorCode::kUnsupportedCodec)));
    EXPECT_THAT(std::string(status.message()), HasSubstr(topic + "-0 at offset 1"));
    broker_.Append(topic, 1, MakeValueBatch({"other"}));
    EXPECT_THAT(Read(*consumer, 1), ElementsAre("other"));
    const auto range = UnreadableRangeOf(status);
    ASSERT_TRUE(range.has_value()) << status;
    EXPECT_EQ(range->partition, partition);
    EXPECT_EQ(range->begin, 1);
    EXPECT_EQ(range->end, 1 + DecodeBatchHeader(bad).record_count);
    EXPECT_THAT(consumer->Seek(range->partition, ReadFrom::At(range->end)).Get(), IsOk());
    EXPECT_THAT(Read(*consumer, 1), ElementsAre("behind"));
  }
}

TEST_F(ConsumerFaultTest, APollHoldsNoMoreThanTheLimitOfDecompressedBytes) {
  TestRecord record;
  record.value = std::string(50'000, 'x');
  for (int i = 0; i < 20; ++i) broker_.Append("t", 0, MakeBatch({record}, {.codec = Codec::kZstd}));
  ConsumerOptions options;
  options.decompressed_bytes_max = 100'000;
  auto consumer = Reader(ReadFrom::Start(), std::move(options));
  size_t got = 0;
  while (got < 20) {
    const auto records = consumer->Poll(kLong);
    ASSERT_THAT(records, IsOk());
    ASSERT_FALSE(records->empty());
    EXPECT_LE(records->size(), 2u);
    got += records->size();
  }
}

TEST_F(ConsumerFaultTest, PassingErrorsAreTriedAgain) {
  Fill(0, {"0"});
  broker_.SetScript([this](const wire::RequestHeader& request) {
    if (!request.has_fetch()) return FakeAction{};
    switch (++calls_) {
      case 1:
        return FakeAction{FakeAction::kRefuse, ErrorCode::kShuttingDown};
      case 2:
        return FakeAction{FakeAction::kCut};
      case 3:
        return FakeAction{FakeAction::kGarbage};
      default:
        return FakeAction{};
    }
  });
  auto consumer = Reader(ReadFrom::Start());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("0"));
}

TEST_F(ConsumerFaultTest, AStaleReplyIsDropped) {
  Fill(0, {"0", "1"});
  broker_.SetScript([this](const wire::RequestHeader& request) {
    return FakeAction{request.has_fetch() && ++calls_ == 1 ? FakeAction::kHold : FakeAction::kServe};
  });
  auto consumer = Reader(ReadFrom::Start());
  EXPECT_TRUE(Eventually([&] { return broker_.held() == 1; }));
  EXPECT_THAT(consumer->Seek(kP0, ReadFrom::At(1)).Get(), IsOk());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("1"));
  broker_.Release();
  EXPECT_THAT(consumer->Poll(absl::Milliseconds(10)), IsOkAndHolds(IsEmpty()));
}

TEST_F(ConsumerFaultTest, APartitionWithRoomDoesNotWaitForAnothersLongPoll) {
  ConsumerOptions options;
  options.fetch_max_wait = absl::Seconds(30);
  auto consumer = MakeConsumer(std::move(options));
  EXPECT_THAT(consumer->Assign({{kP0, ReadFrom::Start()}, {kP1, ReadFrom::Start()}}).Get(), IsOk());
  EXPECT_TRUE(broker_.AwaitCount(wire::RequestHeader::kFetch, 1));
  EXPECT_EQ(broker_.latest_fetch().partitions_size(), 2);
  Fill(1, {"0", "1"});
  EXPECT_THAT(Read(*consumer, 2), ElementsAre("0", "1"));
  EXPECT_THAT(consumer->Seek(kP1, ReadFrom::At(1)).Get(), IsOk());
  EXPECT_THAT(Read(*consumer, 1), ElementsAre("1"));
}

TEST_F(ConsumerFaultTest, AClosedClientEndsPolls) {
  auto consumer = Reader(ReadFrom::Start());
  std::thread closer([this] {
    EXPECT_TRUE(broker_.AwaitCount(wire::RequestHeader::kFetch, 1));
    client_ = nullptr;
  });
  EXPECT_THAT(consumer->Poll(kLong), StatusIs(ErrorCode::kShuttingDown));
  closer.join();
  EXPECT_THAT(consumer->TryPoll(), StatusIs(ErrorCode::kShuttingDown));
  EXPECT_THAT(consumer->Assign({}).Get(), StatusIs(ErrorCode::kShuttingDown));
}

}  // namespace
}  // namespace leat
