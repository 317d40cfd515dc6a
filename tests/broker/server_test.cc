// The real server: sockets, threads and a disk.

#include "broker/server.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "asio/buffer.hpp"
#include "asio/connect.hpp"
#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "asio/read.hpp"
#include "asio/write.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "protocol/wire/frame.h"
#include "tests/broker/test_client.h"
#include "tests/support/batch_factory.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace leat {
namespace {

using asio::ip::tcp;

// A blocking client.
class SocketClient {
 public:
  explicit SocketClient(uint16_t port, bool hello = true) : socket_(io_) {
    socket_.connect({asio::ip::make_address_v4("127.0.0.1"), port});
    if (!hello) return;
    EXPECT_EQ(Call(HelloRequest()).header.hello().version(), 1u);
  }
  void Write(const std::string& bytes) { asio::write(socket_, asio::buffer(bytes)); }
  TestReply Call(wire::RequestHeader request, const std::string& payload = "") {
    request.set_correlation_id(++last_id_);
    Write(TestClient::Encode(request, payload));
    return Read();
  }
  TestReply Read() {
    TestReply reply;
    std::string bytes(kFramePrefixBytes, '\0');
    std::error_code error;
    asio::read(socket_, asio::buffer(bytes), error);
    if (error) return reply;
    const size_t total = DecodeFrame(absl::MakeSpan(&bytes[0], bytes.size()), 1 << 30)->total_bytes;
    bytes.resize(total);
    asio::read(socket_, asio::buffer(&bytes[kFramePrefixBytes], total - kFramePrefixBytes), error);
    const FrameView frame = DecodeFrame(absl::MakeSpan(&bytes[0], total), 1 << 30)->frame;
    EXPECT_TRUE(reply.header.ParseFromArray(frame.header.data(), static_cast<int>(frame.header.size())));
    reply.payload.assign(frame.payload.data(), frame.payload.size());
    return reply;
  }
  bool AtEnd() {
    char byte = 0;
    std::error_code error;
    return socket_.read_some(asio::buffer(&byte, 1), error) == 0;
  }

 private:
  asio::io_context io_;
  tcp::socket socket_;
  uint64_t last_id_ = 0;
};

class ServerTest : public ::testing::Test {
 protected:
  void Start(int network_threads = 1) {
    ServerOptions options;
    options.config = config_;
    options.config.data_dir = dir_.path() + "/data";
    options.config.listen = "127.0.0.1:0";
    options.config.network_threads = network_threads;
    ASSERT_OK_AND_ASSIGN(server_, Server::Start(std::move(options)));
  }
  TestReply Produce1(SocketClient& client, const std::string& value, wire::AckLevel ack = wire::ACK_DURABLE) {
    const std::string batch = MakeValueBatch({value});
    return client.Call(Produce("t", ack, {static_cast<uint32_t>(batch.size())}), batch);
  }

  TempDir dir_;
  Config config_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, ProduceStopStartFetch) {
  Start();
  {
    SocketClient client(server_->port());
    EXPECT_EQ(Produce1(client, "first").header.produce().results(0).level(), wire::ACK_DURABLE);
  }
  ASSERT_THAT(server_->Stop(absl::Seconds(10)), IsOk());
  Start();
  EXPECT_TRUE(server_->recovery().clean);
  SocketClient client(server_->port());
  const TestReply reply = client.Call(Fetch("t", 0, 0, 1000));
  ASSERT_OK_AND_ASSIGN(const std::vector<TestRecord> records, DecodeBatches(reply.payload));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].value, "first");
}

TEST_F(ServerTest, WithoutStopEverythingAcknowledgedIsThere) {
  Start();
  {
    SocketClient client(server_->port());
    for (int i = 0; i < 20; ++i) Produce1(client, std::to_string(i));
  }
  server_.reset();
  Start();
  EXPECT_FALSE(server_->recovery().clean);
  SocketClient client(server_->port());
  ASSERT_OK_AND_ASSIGN(const auto records, DecodeBatches(client.Call(Fetch("t", 0, 0, 1000)).payload));
  EXPECT_EQ(records.size(), 20u);
}

TEST_F(ServerTest, SecondServerOnTheDirectoryIsRefused) {
  Start();
  ServerOptions options;
  options.config.data_dir = dir_.path() + "/data";
  options.config.listen = "127.0.0.1:0";
  EXPECT_THAT(Server::Start(std::move(options)), StatusIs(ErrorCode::kDirectoryLocked));
}

TEST_F(ServerTest, TakenAddressIsAnErrorThatNamesIt) {
  Start();
  ServerOptions options;
  options.config.data_dir = dir_.path() + "/other";
  options.config.listen = server_->address();
  const auto second = Server::Start(std::move(options));
  EXPECT_THAT(second, StatusIs(ErrorCode::kUnavailable));
  EXPECT_THAT(std::string(second.status().message()), ::testing::HasSubstr(server_->address()));
}

TEST_F(ServerTest, ConsumersOnTwoThreadsAreWokenByProducersOnBoth) {
  Start(2);
  SocketClient producers[] = {SocketClient(server_->port()), SocketClient(server_->port())};
  Produce1(producers[0], "0");
  constexpr int kRecords = 200;
  const auto consume = [&] {
    SocketClient client(server_->port());
    int64_t next = 0;
    while (next < kRecords) {
      const auto records = DecodeBatches(client.Call(Fetch("t", 0, next, 30'000)).payload);
      ASSERT_TRUE(records.ok());
      ASSERT_FALSE(records->empty());
      next = records->back().offset + 1;
    }
  };
  std::thread first(consume);
  std::thread second(consume);
  for (int i = 1; i < kRecords; ++i) Produce1(producers[i % 2], std::to_string(i));
  first.join();
  second.join();
  EXPECT_THAT(server_->Stop(absl::Seconds(10)), IsOk());
}

TEST_F(ServerTest, StopWakesLongPollsAndClosesConnections) {
  Start();
  SocketClient client(server_->port());
  Produce1(client, "a");
  std::thread stopper([&] { EXPECT_THAT(server_->Stop(absl::Seconds(10)), IsOk()); });
  const TestReply reply = client.Call(Fetch("t", 0, 1, 60'000));
  stopper.join();
  EXPECT_TRUE(reply.payload.empty());
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(ServerTest, ManyIdleConnectionsAndTheLimit) {
  config_.connections_max = 200;
  Start();
  std::vector<std::unique_ptr<SocketClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<SocketClient>(server_->port()));
  SocketClient refused(server_->port(), false);
  EXPECT_EQ(refused.Read().header.error().code(), static_cast<int32_t>(ErrorCode::kLimitExceeded));
  EXPECT_TRUE(refused.AtEnd());
  EXPECT_EQ(Produce1(*clients[150], "a").header.produce().results(0).error().code(), 0);
}

}  // namespace
}  // namespace leat
