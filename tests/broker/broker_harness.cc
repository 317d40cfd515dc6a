#include "tests/broker/broker_harness.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace leat {

BrokerHarness::BrokerHarness(const Config& config, int lanes, uint64_t seed)
    : runtime_(seed), client_executor_(runtime_.NewExecutor("client")) {
  BrokerOptions options;
  options.config = config;
  options.runtime = &runtime_;
  options.on_storage_failure = [this](const absl::Status&) { ++storage_failures_; };
  broker_ = *Broker::Open(std::move(options),
                          [this](StoreListener& listener) -> absl::StatusOr<std::unique_ptr<LogStore>> {
                            auto store = std::make_unique<FakeStore>(listener);
                            store_ = store.get();
                            return store;
                          });
  for (int i = 0; i < lanes; ++i) {
    lane_executors_.push_back(runtime_.NewExecutor(absl::StrCat("net-", i)));
    lanes_.push_back(&broker_->AddLane(*lane_executors_.back()));
  }
}

BrokerHarness::~BrokerHarness() {
  for (const auto& client : clients_) client->Close();
  broker_->CloseConnections();
  runtime_.RunUntilIdle();
  broker_->StopWorkers();
  for (const auto& executor : lane_executors_) executor->Stop();
  client_executor_->Stop();
  broker_->CloseLanes();
  clients_.clear();
  lane_executors_.clear();
  broker_.reset();
}

TestClient& BrokerHarness::Connect(const LoopbackOptions& options, size_t lane) {
  Loopback loopback = NewLoopback(*lane_executors_[lane], *client_executor_, options);
  clients_.push_back(std::make_unique<TestClient>(loopback.right));
  TestClient& client = *clients_.back();
  client_executor_->Post([&client] { client.Start(); });
  lane_executors_[lane]->Post([this, lane, left = loopback.left] { broker_->Accept(*lanes_[lane], left); });
  runtime_.RunUntilIdle();
  return client;
}

TestClient& BrokerHarness::ConnectReady(const LoopbackOptions& options, size_t lane) {
  TestClient& client = Connect(options, lane);
  client.SendHello();
  runtime_.RunUntilIdle();
  EXPECT_EQ(client.replies().size(), 1u);
  return client;
}

TestReply BrokerHarness::Call(TestClient& client, const wire::RequestHeader& request, std::string payload) {
  const uint64_t id = client.Send(request, std::move(payload));
  runtime_.RunUntilIdle();
  const TestReply* reply = client.Find(id);
  EXPECT_NE(reply, nullptr) << "no reply to " << request.ShortDebugString();
  return reply == nullptr ? TestReply() : *reply;
}

void BrokerHarness::MakeTopic(absl::string_view name, uint32_t partitions,
                              const std::vector<std::pair<std::string, std::string>>& config) {
  TopicSpec spec;
  spec.name = std::string(name);
  spec.partition_count = partitions;
  spec.config = config;
  ASSERT_TRUE(store_->CreateTopic(spec).ok());
}

}  // namespace leat
