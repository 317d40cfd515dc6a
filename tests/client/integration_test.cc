// The client and the real broker in one process: sockets, threads and a disk.

#include <atomic>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "broker/server.h"
#include "client/admin.h"
#include "client/client.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "client/record_range.h"
#include "client/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kLong = absl::Seconds(60);

class IntegrationTest : public testing::Test {
 protected:
  void SetUp() override {
    StartServer();
    ClientOptions options;
    options.address = server_->address();
    options.retry.max_backoff = absl::Milliseconds(50);
    ASSERT_OK_AND_ASSIGN(client_, Client::Connect(options));
    ASSERT_OK_AND_ASSIGN(producer_, Producer::Create(*client_));
  }
  void StartServer() {
    ServerOptions options;
    options.config = config_;
    options.config.data_dir = dir_.path() + "/data";
    options.config.listen = address_;
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
    address_ = server_->address();
  }
  // As after kill -9: nothing is said, nothing more is written.
  void CrashAndRestart() {
    server_.reset();
    StartServer();
  }
  std::unique_ptr<Consumer> Reader(const std::string& topic, ReadFrom from) {
    auto consumer = Consumer::Create(*client_);
    EXPECT_THAT(consumer, IsOk());
    EXPECT_THAT((*consumer)->AssignTopics({topic}, from).Get(), IsOk());
    return *std::move(consumer);
  }
  static Record Numbered(int i) {
    Record record;
    record.topic = "t";
    if (i % 3 != 0) record.key = "key-" + std::to_string(i % 17);
    if (i % 7 != 0) record.value = "value-" + std::to_string(i);
    if (i % 5 == 0) record.headers = {{"number", std::to_string(i)}, {"null", std::nullopt}};
    record.timestamp_ms = 1'700'000'000'000 + i;
    return record;
  }

  TempDir dir_;
  Config config_;
  std::string address_ = "127.0.0.1:0";
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Producer> producer_;
};

TEST_F(IntegrationTest, WhatWasSentComesBackInEveryCodec) {
  Admin admin(*client_);
  ASSERT_THAT(admin.CreateTopic({.name = "t", .partitions = 4}).Get(), IsOk());
  std::map<std::pair<int32_t, Offset>, Record> expected;
  int number = 0;
  for (Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    ProducerOptions options;
    options.codec = codec;
    ASSERT_OK_AND_ASSIGN(auto producer, Producer::Create(*client_, options));
    std::vector<std::pair<Record, Future<Producer::Delivery>>> sent;
    for (int i = 0; i < 500; ++i) {
      Record record = Numbered(number++);
      Future<Producer::Delivery> future = producer->Send(record);
      sent.emplace_back(std::move(record), std::move(future));
    }
    for (auto& [record, future] : sent) {
      ASSERT_OK_AND_ASSIGN(const DeliveryReport report, future.Get());
      EXPECT_EQ(report.level, Acks::kDurable);
      EXPECT_FALSE(report.provisional);
      record.partition = report.partition;
      expected.emplace(std::pair(report.partition, report.offset), std::move(record));
    }
  }
  ASSERT_EQ(expected.size(), 2'500u);
  auto consumer = Reader("t", ReadFrom::Start());
  RecordRange records = consumer->RecordsUntilEnd(kLong);
  size_t count = 0;
  for (const ConsumedRecord& record : records) {
    const Record& sent = expected.at({record.partition(), record.offset()});
    const Record got = record.ToRecord();
    ASSERT_EQ(got.key, sent.key);
    ASSERT_EQ(got.value, sent.value);
    ASSERT_EQ(got.headers, sent.headers);
    ASSERT_EQ(got.timestamp_ms, sent.timestamp_ms);
    ++count;
  }
  EXPECT_THAT(records.status(), IsOk());
  EXPECT_EQ(count, expected.size());
}

TEST_F(IntegrationTest, CrashesWhileProducingAndConsuming) {
  constexpr int kCount = 600;
  auto consumer = Consumer::Create(*client_);
  ASSERT_THAT(producer_->Send(Numbered(0)).Get(), IsOk());
  ASSERT_THAT((*consumer)->AssignTopics({"t"}, ReadFrom::At(1)).Get(), IsOk());
  std::vector<std::pair<int, Offset>> acked;
  std::map<Offset, std::string> seen;
  Offset next = 1;
  const auto read = [&] {
    ASSERT_OK_AND_ASSIGN(const ConsumedRecords records, (*consumer)->Poll(absl::Milliseconds(1)));
    for (const ConsumedRecord& record : records) {
      ASSERT_EQ(record.offset(), next++);  // each once, in order, over all restarts
      seen[record.offset()] = std::string(record.value().value_or("(null)"));
    }
  };
  for (int i = 1; i <= kCount; i += 5) {
    std::vector<Future<Producer::Delivery>> sent;
    for (int j = i; j < i + 5; ++j) sent.push_back(producer_->Send(Numbered(j)));
    if (i % 200 == 1) CrashAndRestart();
    for (int j = i; j < i + 5; ++j) {
      ASSERT_OK_AND_ASSIGN(const DeliveryReport report, sent[static_cast<size_t>(j - i)].Get());
      acked.emplace_back(j, report.offset);
    }
    read();
  }
  while (!acked.empty() && next <= acked.back().second) read();
  for (const auto& [number, offset] : acked) {
    EXPECT_EQ(seen.at(offset), Numbered(number).value.value_or("(null)"));
  }
}

TEST_F(IntegrationTest, AdminDoesEverythingElse) {
  Admin admin(*client_);
  ASSERT_OK_AND_ASSIGN(const CreatedTopic created, admin.CreateTopic({.name = "t", .partitions = 2}).Get());
  EXPECT_TRUE(created.created);
  EXPECT_EQ(created.partitions, 2u);
  EXPECT_THAT(admin.CreateTopic({.name = "t"}).Get(), StatusIs(ErrorCode::kTopicExists));
  EXPECT_THAT(admin.CreateTopic({.name = "t", .if_not_exists = true}).Get(), IsOk());
  EXPECT_THAT(admin.CreateTopic({.name = "no spaces"}).Get(), StatusIs(ErrorCode::kInvalidTopicName));
  EXPECT_THAT(admin.CreateTopic({.name = "x", .settings = {{"nonsense", "1"}}}).Get(),
              StatusIs(ErrorCode::kInvalidConfig));
  EXPECT_THAT(admin.AlterTopic({.name = "t", .partitions = 3}).Get(), IsOkAndHolds(3u));
  EXPECT_THAT(admin.AlterTopic({.name = "t", .partitions = 1}).Get(),
              StatusIs(ErrorCode::kInvalidPartitionCount));
  ASSERT_OK_AND_ASSIGN(const TopicDescription topic, admin.DescribeTopic("t").Get());
  EXPECT_EQ(topic.topic.partitions, 3u);
  EXPECT_THAT(topic.partitions, SizeIs(3));
  EXPECT_FALSE(topic.settings.empty());
  ASSERT_OK_AND_ASSIGN(const std::vector<TopicSummary> topics, admin.ListTopics().Get());
  ASSERT_THAT(topics, SizeIs(1));
  EXPECT_EQ(topics[0].name, "t");

  Record record = Numbered(1);
  record.partition = 2;
  ASSERT_THAT(producer_->Send(record).Get(), IsOk());
  using Kind = OffsetQuestion::Kind;
  ASSERT_OK_AND_ASSIGN(const auto offsets, admin
                                               .ListOffsets({{{"t", 2}, Kind::kStart},
                                                             {{"t", 2}, Kind::kEnd},
                                                             {{"t", 2}, Kind::kDurable},
                                                             {{"t", 2}, Kind::kTime, *record.timestamp_ms},
                                                             {{"t", 9}, Kind::kEnd}})
                                               .Get());
  ASSERT_THAT(offsets, SizeIs(5));
  EXPECT_EQ(offsets[0]->offset, 0);
  EXPECT_EQ(offsets[1]->offset, 1);
  EXPECT_EQ(offsets[2]->offset, 1);
  EXPECT_EQ(offsets[3]->offset, 0);
  EXPECT_EQ(offsets[3]->timestamp_ms, *record.timestamp_ms);
  EXPECT_THAT(offsets[4], StatusIs(ErrorCode::kUnknownPartition));

  ASSERT_OK_AND_ASSIGN(const ServerDescription server, admin.DescribeServer(true, true).Get());
  EXPECT_FALSE(server.server_version.empty());
  EXPECT_FALSE(server.metrics.empty());
  EXPECT_FALSE(server.settings.empty());
  EXPECT_EQ(server.topics, 1u);
  EXPECT_GT(server.limits.batch_bytes_max, 0u);

  EXPECT_THAT(admin.DeleteTopic("t").Get(), IsOk());
  EXPECT_THAT(admin.DeleteTopic("t").Get(), StatusIs(ErrorCode::kUnknownTopic));
  EXPECT_THAT(admin.DescribeTopic("t").Get(), StatusIs(ErrorCode::kUnknownTopic));
}

TEST_F(IntegrationTest, WeakerAcksSayWhatTheyReached) {
  for (const Acks acks : {Acks::kWritten, Acks::kNone}) {
    ProducerOptions options;
    options.acks = acks;
    ASSERT_OK_AND_ASSIGN(auto producer, Producer::Create(*client_, options));
    ASSERT_OK_AND_ASSIGN(const DeliveryReport report, producer->Send(Numbered(1)).Get());
    EXPECT_EQ(report.offset, acks == Acks::kNone ? -1 : 0);
    EXPECT_EQ(report.level == Acks::kNone, acks == Acks::kNone);
  }
  EXPECT_THAT(Reader("t", ReadFrom::Start())->Poll(kLong), IsOkAndHolds(testing::Not(IsEmpty())));
}

TEST_F(IntegrationTest, SeeksByTime) {
  for (int i = 0; i < 50; ++i) ASSERT_THAT(producer_->Send(Numbered(i)).Get(), IsOk());
  auto consumer = Reader("t", ReadFrom::Time(1'700'000'000'000 + 30));
  size_t count = 0;
  RecordRange records = consumer->RecordsUntilEnd(kLong);
  for (const ConsumedRecord& record : records) EXPECT_EQ(record.offset(), static_cast<Offset>(30 + count++));
  EXPECT_EQ(count, 20u);
}

Task<absl::Status> RelayAll(Consumer* consumer, Producer* producer, int count) {
  while (count > 0) {
    absl::StatusOr<ConsumedRecords> records = co_await consumer->PollAsync();
    if (!records.ok()) co_return records.status();
    std::vector<Future<Producer::Delivery>> sent;
    for (const ConsumedRecord& record : *records) {
      Record copy = record.ToRecord();
      copy.topic = "copy";
      sent.push_back(producer->Send(copy));
    }
    std::vector<Producer::Delivery> deliveries = co_await WhenAll(std::move(sent));
    for (const Producer::Delivery& delivery : deliveries) {
      if (!delivery.ok()) co_return delivery.status();
    }
    count -= static_cast<int>(deliveries.size());
  }
  co_return absl::OkStatus();
}

TEST_F(IntegrationTest, ACoroutineRelaysATopic) {
  auto consumer = Consumer::Create(*client_);
  ASSERT_THAT((*consumer)->Assign({{{"t", 0}, ReadFrom::At(0)}}).Get(), IsOk());
  ASSERT_THAT(producer_->Send(Numbered(0)).Get(), IsOk());
  // The partition did not exist at the first fetch.
  ASSERT_THAT((*consumer)->Seek({"t", 0}, ReadFrom::Start()).Get(), IsOk());
  Future<absl::Status> relayed = Start(RelayAll(consumer->get(), producer_.get(), 300));
  for (int i = 1; i < 300; ++i) producer_->Send(Numbered(i), [](const Producer::Delivery&) {});
  EXPECT_THAT(relayed.Get(), IsOk());
  auto copies = Reader("copy", ReadFrom::Start());
  RecordRange records = copies->RecordsUntilEnd(kLong);
  int next = 0;
  for (const ConsumedRecord& record : records) ASSERT_EQ(record.ToRecord().value, Numbered(next++).value);
  EXPECT_EQ(next, 300);
}

TEST_F(IntegrationTest, AGracefulStopAnswersWhatItTook) {
  std::vector<Future<Producer::Delivery>> sent;
  for (int i = 0; i < 200; ++i) sent.push_back(producer_->Send(Numbered(i)));
  ASSERT_THAT(server_->Stop(absl::Seconds(10)), IsOk());
  server_.reset();
  StartServer();
  for (auto& future : sent) EXPECT_THAT(future.Get(), IsOk());
}

// The example programs, as CI runs them.
class ExampleTest : public IntegrationTest {
 protected:
  int Run(const std::string& program, const std::string& arguments) {
    const std::string command = program + " " + address_ + " " + arguments + " >/dev/null";
    return std::system(command.c_str());
  }
};

TEST_F(ExampleTest, Run) {
  EXPECT_EQ(Run(LEAT_EXAMPLE_PRODUCE, "example 20"), 0);
  EXPECT_EQ(Run(LEAT_EXAMPLE_CONSUME, "example"), 0);
  EXPECT_EQ(Run(LEAT_EXAMPLE_PIPELINE, ""), 0);
  EXPECT_EQ(Run(LEAT_EXAMPLE_MANY_SENDS, "many 500"), 0);
  EXPECT_THAT(Reader("many", ReadFrom::At(500))->Poll(kLong), IsOkAndHolds(SizeIs(1)));
  EXPECT_NE(Run(LEAT_EXAMPLE_CONSUME, "no-such-topic 2>/dev/null"), 0);
  server_.reset();
  EXPECT_NE(Run(LEAT_EXAMPLE_PRODUCE, "2>/dev/null"), 0);
}

}  // namespace
}  // namespace leat
