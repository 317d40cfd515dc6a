#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "client/client.h"
#include "client/consumer.h"
#include "client/producer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/client/fake_broker.h"
#include "tests/support/batch_factory.h"
#include "tests/support/status_matchers.h"

namespace leat {

// A fake broker and a client with short back-offs connected to it.
class ClientFixture : public testing::Test {
 protected:
  static constexpr absl::Duration kLong = absl::Seconds(20);

  ClientOptions Options() const {
    ClientOptions options;
    options.address = broker_.address();
    options.client_name = "test";
    options.connect_timeout = absl::Seconds(5);
    options.request_timeout = absl::Seconds(10);
    options.operation_timeout = absl::Seconds(10);
    options.retry.initial_backoff = absl::Milliseconds(1);
    options.retry.max_backoff = absl::Milliseconds(20);
    options.seed = 42;
    return options;
  }
  Client& MakeClient() { return MakeClient(Options()); }
  Client& MakeClient(const ClientOptions& options) {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(options);
    EXPECT_THAT(client, IsOk());
    client_ = *std::move(client);
    return *client_;
  }
  std::unique_ptr<Producer> MakeProducer(ProducerOptions options = {}) {
    if (client_ == nullptr) MakeClient();
    options.close_timeout = absl::ZeroDuration();
    absl::StatusOr<std::unique_ptr<Producer>> producer = Producer::Create(*client_, options);
    EXPECT_THAT(producer, IsOk());
    return *std::move(producer);
  }
  std::unique_ptr<Consumer> MakeConsumer(ConsumerOptions options = {}) {
    if (client_ == nullptr) MakeClient();
    absl::StatusOr<std::unique_ptr<Consumer>> consumer = Consumer::Create(*client_, std::move(options));
    EXPECT_THAT(consumer, IsOk());
    return *std::move(consumer);
  }
  static Record ValueRecord(const std::string& topic, const std::string& value) {
    Record record;
    record.topic = topic;
    record.value = value;
    return record;
  }
  // For what has no event to wait for. The condition has to come true; the time only bounds a failing test.
  static bool Eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  // For scripts: the broker may call them until it is gone, after the locals of a test.
  std::atomic<int> calls_{0};
  std::atomic<bool> hold_{true};
  FakeBroker broker_;
  std::unique_ptr<Client> client_;
};

}  // namespace leat
