#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "tests/broker/fake_store.h"
#include "tests/broker/test_client.h"
#include "tests/support/loopback_transport.h"
#include "tests/support/sim_runtime.h"

namespace leat {

// The broker core over a fake store, a simulated runtime and connections in memory; one thread, no sockets.
class BrokerHarness {
 public:
  explicit BrokerHarness(const Config& config = {}, int lanes = 1, uint64_t seed = 1);
  ~BrokerHarness();

  // A connection to `lane`; not yet greeted.
  TestClient& Connect(const LoopbackOptions& options = {}, size_t lane = 0);
  // A connection whose Hello has been answered.
  TestClient& ConnectReady(const LoopbackOptions& options = {}, size_t lane = 0);

  // Sends, runs until nothing is left to do, and gives the reply. Fails the test when there is none.
  TestReply Call(TestClient& client, const wire::RequestHeader& request, std::string payload = "");
  void MakeTopic(absl::string_view name, uint32_t partitions = 1,
                 const std::vector<std::pair<std::string, std::string>>& config = {});

  void Run() { runtime_.RunUntilIdle(); }
  void RunFor(absl::Duration duration) { runtime_.RunFor(duration); }

  FakeStore& store() { return *store_; }
  Broker& broker() { return *broker_; }
  Metrics& metrics() { return broker_->metrics(); }
  ManualClock& clock() { return runtime_.clock(); }
  int storage_failures() const { return storage_failures_; }

 private:
  SimRuntime runtime_;
  FakeStore* store_ = nullptr;  // owned by the broker
  int storage_failures_ = 0;
  std::unique_ptr<Executor> client_executor_;
  std::vector<std::unique_ptr<Executor>> lane_executors_;
  std::vector<Lane*> lanes_;
  std::unique_ptr<Broker> broker_;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

}  // namespace leat
