// Every limit: what happens at it, what the error is called, and that others do not notice.

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/broker/broker_harness.h"
#include "tests/support/batch_factory.h"

namespace leat {
namespace {

using ::testing::HasSubstr;

int32_t Number(ErrorCode code) { return static_cast<int32_t>(code); }
uint32_t Size(const std::string& batch) { return static_cast<uint32_t>(batch.size()); }
int64_t Closed(BrokerHarness& harness, CloseReason reason) {
  return harness.metrics().closed[static_cast<size_t>(reason)].value();
}

wire::RequestHeader ServerInfo() {
  wire::RequestHeader request;
  request.mutable_server_info();
  return request;
}

TEST(LimitsTest, ConnectionsBeyondTheLimitGetAnErrorAndGo) {
  Config config;
  config.connections_max = 3;
  BrokerHarness harness(config);
  std::vector<TestClient*> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(&harness.ConnectReady());
  for (int i = 0; i < 10; ++i) {
    TestClient& refused = harness.Connect();
    EXPECT_TRUE(refused.closed());
    ASSERT_EQ(refused.replies().size(), 1u);
    EXPECT_EQ(refused.replies()[0].header.error().code(), Number(ErrorCode::kLimitExceeded));
    EXPECT_THAT(refused.replies()[0].header.error().message(), HasSubstr("connections_max (3)"));
  }
  EXPECT_EQ(harness.metrics().connections_refused.value(), 10);
  EXPECT_EQ(harness.Call(*clients[0], ServerInfo()).header.error().code(), 0);
  clients[1]->Close();
  harness.Run();
  EXPECT_FALSE(harness.ConnectReady().closed());
}

TEST(LimitsTest, WithoutHelloAConnectionIsClosed) {
  BrokerHarness harness;
  TestClient& silent = harness.Connect();
  TestClient& ready = harness.ConnectReady();
  harness.RunFor(absl::Milliseconds(9'999));
  EXPECT_FALSE(silent.closed());
  harness.RunFor(absl::Milliseconds(10));
  EXPECT_TRUE(silent.closed());
  EXPECT_THAT(silent.replies().back().header.error().message(), HasSubstr("hello_timeout_ms"));
  EXPECT_FALSE(ready.closed());
  EXPECT_EQ(Closed(harness, CloseReason::kHelloTimeout), 1);
}

TEST(LimitsTest, IdleConnectionIsClosedButAWaitingFetchIsNotIdle) {
  Config config;
  config.idle_ms_max = 60'000;
  config.fetch_wait_ms_max = 600'000;
  BrokerHarness harness(config);
  harness.MakeTopic("t");
  TestClient& idle = harness.ConnectReady();
  TestClient& polling = harness.ConnectReady();
  polling.Send(Fetch("t", 0, 0, 300'000));
  harness.RunFor(absl::Seconds(50));
  harness.Call(idle, ServerInfo());
  harness.RunFor(absl::Seconds(50));
  EXPECT_FALSE(idle.closed());
  harness.RunFor(absl::Seconds(15));
  EXPECT_TRUE(idle.closed());
  EXPECT_EQ(Closed(harness, CloseReason::kIdle), 1);
  harness.RunFor(absl::Seconds(170));
  EXPECT_FALSE(polling.closed());
  harness.RunFor(absl::Seconds(200));
  EXPECT_TRUE(polling.closed());
}

TEST(LimitsTest, IdleZeroKeepsConnections) {
  Config config;
  config.idle_ms_max = 0;
  BrokerHarness harness(config);
  TestClient& client = harness.ConnectReady();
  harness.RunFor(absl::Hours(100));
  EXPECT_FALSE(client.closed());
}

TEST(LimitsTest, UnfinishedFrameIsClosed) {
  BrokerHarness harness;
  TestClient& client = harness.ConnectReady();
  client.SendRaw("LEAT");
  harness.RunFor(absl::Seconds(29));
  EXPECT_FALSE(client.closed());
  harness.RunFor(absl::Seconds(2));
  EXPECT_TRUE(client.closed());
  EXPECT_THAT(client.replies().back().header.error().message(), HasSubstr("frame_timeout_ms"));
  EXPECT_EQ(Closed(harness, CloseReason::kFrameTimeout), 1);
}

TEST(LimitsTest, UnansweredBytesStopTheReading) {
  Config config;
  config.connection_bytes_in_flight_max = 10'000;
  BrokerHarness harness(config);
  harness.MakeTopic("t");
  LoopbackOptions options;
  options.piece_bytes_max = 4096;
  TestClient& client = harness.ConnectReady(options);
  const std::string batch = MakeValueBatch({std::string(1000, 'x')});
  std::vector<uint64_t> ids;
  for (int i = 0; i < 50; ++i)
    ids.push_back(client.Send(Produce("t", wire::ACK_DURABLE, {Size(batch)}), batch));
  harness.Run();
  EXPECT_LT(harness.store().Partition("t", 0).marks().end, 12);
  EXPECT_GT(harness.metrics().paused_by_connection_limit.value(), 0);
  for (int i = 0; i < 50; ++i) {
    harness.store().Commit();
    harness.Run();
  }
  EXPECT_EQ(harness.store().Partition("t", 0).marks().end, 50);
  for (const uint64_t id : ids) EXPECT_NE(client.Find(id), nullptr);
}

TEST(LimitsTest, EntriesOfAWaitingRequestCountAsMemory) {
  Config config;
  config.connection_bytes_in_flight_max = 1024 * 1024;
  BrokerHarness harness(config);
  harness.MakeTopic("t", 1000);
  TestClient& client = harness.ConnectReady();
  wire::RequestHeader request = Fetch("t", 0, 0, 1000);
  for (uint32_t i = 1; i < 1000; ++i) {
    *request.mutable_fetch()->add_partitions() = Fetch("t", i, 0, 0).fetch().partitions(0);
  }
  for (int i = 0; i < 20; ++i) client.Send(request);
  harness.Run();
  EXPECT_GE(harness.metrics().fetch_waiters.value(), 2);
  EXPECT_LT(harness.metrics().fetch_waiters.value(), 5);
  EXPECT_GT(harness.metrics().paused_by_connection_limit.value(), 0);
  EXPECT_GT(harness.broker().memory().used(), 1000 * 500);
  harness.RunFor(absl::Seconds(20));
  EXPECT_EQ(harness.broker().memory().used(), 0);
}

class SlowReaderTest : public ::testing::Test {
 protected:
  static Config MakeConfig() {
    Config config;
    config.send_queue_bytes_max = 100'000;
    return config;
  }
  SlowReaderTest() : harness_(MakeConfig()), client_(harness_.ConnectReady()) {
    harness_.MakeTopic("t");
    const std::string batch = MakeValueBatch({std::string(50'000, 'x')});
    harness_.Call(client_, Produce("t", wire::ACK_WRITTEN, {Size(batch)}), batch);
    harness_.store().Commit();
    client_.SetReading(false);
    for (int i = 0; i < 100; ++i) ids_.push_back(client_.Send(Fetch("t", 0, 0, 0)));
    harness_.Run();
  }

  BrokerHarness harness_;
  TestClient& client_;
  std::vector<uint64_t> ids_;
};

TEST_F(SlowReaderTest, RepliesDoNotPileUp) {
  EXPECT_LT(harness_.metrics().bytes_out.value(), 400'000);
  EXPECT_GT(harness_.metrics().paused_by_send_queue.value(), 0);
  client_.SetReading(true);
  harness_.Run();
  for (const uint64_t id : ids_) ASSERT_NE(client_.Find(id), nullptr);
  EXPECT_EQ(harness_.broker().memory().used(), 0);
}

// One large slice, which leaves from its file, then small ones, which are copied.
TEST(LimitsTest, CopiedSlicesBehindALargeOneCountAsMemory) {
  BrokerHarness harness;
  harness.MakeTopic("t", 9);
  TestClient& client = harness.ConnectReady();
  wire::RequestHeader fetch = Fetch("t", 0, 0, 0);
  for (uint32_t i = 0; i < 9; ++i) {
    const std::string batch = MakeValueBatch({std::string(i == 0 ? 50'000 : 20'000, 'x')});
    wire::RequestHeader produce = Produce("t", wire::ACK_WRITTEN, {Size(batch)});
    produce.mutable_produce()->mutable_partitions(0)->set_partition(i);
    harness.Call(client, produce, batch);
    if (i > 0) *fetch.mutable_fetch()->add_partitions() = Fetch("t", i, 0, 0).fetch().partitions(0);
  }
  harness.store().Commit();
  client.SetReading(false);
  client.Send(fetch);
  harness.Run();
  EXPECT_GT(harness.broker().memory().used(), 160'000);
  client.SetReading(true);
  harness.Run();
  EXPECT_EQ(harness.broker().memory().used(), 0);
}

// Their replies come from the files once they hold half of the memory, and the right to send all the same
// goes to those who do send.
TEST(LimitsTest, StuckReadersDoNotKeepOthersFromSending) {
  Config config;
  config.memory_bytes_max = 1024 * 1024;
  BrokerHarness harness(config);
  harness.MakeTopic("t");
  TestClient& writer = harness.ConnectReady();
  const std::string small = MakeValueBatch({std::string(20'000, 'x')});
  harness.Call(writer, Produce("t", wire::ACK_WRITTEN, {Size(small)}), small);
  harness.store().Commit();
  for (int i = 0; i < 20; ++i) {
    TestClient& stuck = harness.ConnectReady();
    stuck.SetReading(false);
    for (int j = 0; j < 20; ++j) stuck.Send(Fetch("t", 0, 0, 0));
  }
  harness.Run();
  EXPECT_LT(harness.broker().memory().used(), config.memory_bytes_max);
  const std::string large = MakeValueBatch({std::string(400'000, 'x')});
  wire::RequestHeader produce = Produce("t", wire::ACK_WRITTEN, {Size(large)});
  EXPECT_EQ(harness.Call(writer, produce, large).header.produce().results(0).error().code(), 0);
}

TEST_F(SlowReaderTest, WhoNeverReadsIsClosed) {
  TestClient& other = harness_.ConnectReady();
  harness_.RunFor(absl::Seconds(61));
  EXPECT_EQ(Closed(harness_, CloseReason::kSendStall), 1);
  EXPECT_EQ(harness_.metrics().connections_open.value(), 1);
  EXPECT_EQ(harness_.metrics().requests_in_flight.value(), 0);
  EXPECT_EQ(harness_.Call(other, ServerInfo()).header.error().code(), 0);
}

TEST(LimitsTest, LongPollsWokenWhileTheQueueIsFullWaitForRoom) {
  Config config;
  config.send_queue_bytes_max = 60'000;
  BrokerHarness harness(config);
  harness.MakeTopic("t");
  TestClient& reader = harness.ConnectReady();
  TestClient& writer = harness.ConnectReady();
  std::vector<uint64_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(reader.Send(Fetch("t", 0, 0, 60'000)));
  harness.Run();
  reader.SetReading(false);
  const std::string batch = MakeValueBatch({std::string(40'000, 'x')});
  harness.Call(writer, Produce("t", wire::ACK_WRITTEN, {Size(batch)}), batch);
  const int64_t before = harness.metrics().bytes_out.value();
  harness.store().Commit();
  harness.Run();
  EXPECT_LT(harness.metrics().bytes_out.value() - before, 5 * 40'200);
  reader.SetReading(true);
  harness.Run();
  for (const uint64_t id : ids) ASSERT_NE(reader.Find(id), nullptr);
}

// Frames that together exceed the memory, none complete: one at a time goes on, nobody is stuck.
TEST(LimitsTest, MemoryBudgetStopsReadingAndLetsEverybodyThrough) {
  Config config;
  config.memory_bytes_max = 1024 * 1024;
  config.topic_defaults.validation = Validation::kHeader;
  BrokerHarness harness(config);
  harness.MakeTopic("t");
  LoopbackOptions options;
  options.piece_bytes_max = 16 * 1024;
  std::vector<TestClient*> clients;
  for (uint64_t i = 0; i < 8; ++i) {
    options.seed = i + 1;
    clients.push_back(&harness.ConnectReady(options));
  }
  TestClient& small = harness.ConnectReady();
  const std::string batch = MakeValueBatch({std::string(900'000, 'x')});
  std::vector<uint64_t> ids;
  for (TestClient* client : clients) {
    ids.push_back(client->Send(Produce("t", wire::ACK_WRITTEN, {Size(batch)}), batch));
  }
  EXPECT_EQ(harness.Call(small, ServerInfo()).header.error().code(), 0);
  harness.Run();
  EXPECT_GT(harness.metrics().paused_by_memory.value(), 0);
  for (size_t i = 0; i < clients.size(); ++i) ASSERT_NE(clients[i]->Find(ids[i]), nullptr) << i;
  EXPECT_EQ(harness.store().Partition("t", 0).marks().end, 8);
  EXPECT_EQ(harness.broker().memory().used(), 0);
}

TEST(LimitsTest, StalledFramesDoNotHoldTheMemoryForEver) {
  Config config;
  config.memory_bytes_max = 1024 * 1024;
  BrokerHarness harness(config);
  harness.MakeTopic("t");
  const std::string batch = MakeValueBatch({std::string(900'000, 'x')});
  wire::RequestHeader request = Produce("t", wire::ACK_WRITTEN, {Size(batch)});
  const std::string frame = TestClient::Encode(request, batch);
  for (int i = 0; i < 4; ++i) harness.ConnectReady().SendRaw(frame.substr(0, 600'000));
  harness.Run();
  EXPECT_LT(harness.broker().memory().used(), 4 * 1024 * 1024);
  TestClient& good = harness.ConnectReady();
  const uint64_t id = good.Send(request, batch);
  harness.RunFor(absl::Seconds(200));
  EXPECT_NE(good.Find(id), nullptr);
  EXPECT_EQ(Closed(harness, CloseReason::kFrameTimeout), 4);
}

TEST(LimitsTest, DrainAnswersWhatIsInFlight) {
  BrokerHarness harness;
  harness.MakeTopic("t");
  TestClient& producer = harness.ConnectReady();
  TestClient& consumer = harness.ConnectReady();
  TestClient& idle = harness.ConnectReady();
  const std::string batch = MakeValueBatch({"a"});
  const uint64_t produced = producer.Send(Produce("t", wire::ACK_DURABLE, {Size(batch)}), batch);
  const uint64_t polled = consumer.Send(Fetch("t", 0, 0, 60'000));
  harness.Run();
  harness.broker().BeginDrain();
  harness.Run();
  EXPECT_TRUE(idle.closed());
  EXPECT_NE(consumer.Find(polled), nullptr);
  EXPECT_TRUE(consumer.closed());
  EXPECT_FALSE(producer.closed());
  const uint64_t late = producer.Send(Produce("t", wire::ACK_DURABLE, {Size(batch)}), batch);
  harness.Run();
  ASSERT_NE(producer.Find(late), nullptr);
  EXPECT_EQ(producer.Find(late)->header.error().code(), Number(ErrorCode::kShuttingDown));
  harness.store().Commit();
  harness.Run();
  ASSERT_NE(producer.Find(produced), nullptr);
  EXPECT_EQ(producer.Find(produced)->header.produce().results(0).error().code(), 0);
  EXPECT_TRUE(producer.closed());
  EXPECT_TRUE(harness.broker().WaitForConnections(absl::ZeroDuration()));
  TestClient& too_late = harness.Connect();
  EXPECT_EQ(too_late.replies().back().header.error().code(), Number(ErrorCode::kShuttingDown));
}

}  // namespace
}  // namespace leat
