#include <memory>
#include <string>

#include "asio/read.hpp"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/protocol/wire/transport_test_util.h"

// How TCP connections end.

namespace leat {
namespace {

// A transport whose peer is a plain socket.
struct Half {
  explicit Half(const TcpOptions& options = {}) {
    SocketPair sockets(io);
    transport = NewTcpTransport(std::move(sockets.left), options);
    peer = std::move(sockets.right);
    transport->Start(&handler);
  }
  bool Closed() {
    return RunUntil(io, [this] { return handler.closed.has_value(); });
  }

  RecordingHandler handler;
  asio::io_context io{1};
  asio::ip::tcp::socket peer{io};
  std::shared_ptr<Transport> transport;
};

TEST(TcpTransportCloseTest, PeerThatClosesInOrder) {
  Half half;
  half.peer.close();
  ASSERT_TRUE(half.Closed());
  EXPECT_TRUE(half.handler.closed->ok()) << *half.handler.closed;
  EXPECT_EQ(half.handler.closed_calls, 1);
}

TEST(TcpTransportCloseTest, PeerThatResets) {
  Half half;
  int released = 0;
  for (int i = 0; i < 30; ++i) half.transport->Send(FrameOf(Pattern(1'000'000), "", &released));
  half.io.poll();
  half.peer.set_option(asio::socket_base::linger(true, 0));
  half.peer.close();
  ASSERT_TRUE(half.Closed());
  EXPECT_EQ(CodeOf(*half.handler.closed), ErrorCode::kUnavailable);
  EXPECT_EQ(released, 30);
  EXPECT_EQ(half.transport->queued_bytes(), 0u);
}

TEST(TcpTransportCloseTest, PeerThatNeverReadsIsCutOffAtTheFlushDeadline) {
  TcpOptions options;
  options.flush_deadline = absl::Milliseconds(20);
  Half half(options);
  int released = 0;
  for (int i = 0; i < 30; ++i) half.transport->Send(FrameOf(Pattern(1'000'000), "", &released));
  half.transport->Close(absl::CancelledError("bye"), true);
  ASSERT_TRUE(half.Closed());
  EXPECT_TRUE(absl::IsCancelled(*half.handler.closed));
  EXPECT_EQ(released, 30);
}

TEST(TcpTransportCloseTest, PeerThatNeverClosesIsCutOffToo) {
  TcpOptions options;
  options.flush_deadline = absl::Milliseconds(20);
  Half half(options);
  half.transport->Close(absl::CancelledError("bye"), true);
  ASSERT_TRUE(half.Closed());
  EXPECT_TRUE(absl::IsCancelled(*half.handler.closed));
}

// The last answer has to arrive although the peer is still sending: a reset would overtake it.
TEST(TcpTransportCloseTest, LastFrameReachesAPeerThatIsStillSending) {
  Half half;
  half.handler.on_data = [&](absl::Span<char>) {
    half.transport->Send(FrameOf("the reason"));
    half.transport->Close(absl::CancelledError("garbage"), true);
    return Transport::ReadResult{0, 0};
  };
  std::error_code error;
  half.peer.non_blocking(true);
  const std::string garbage(100'000, 'g');
  std::string reply;
  ASSERT_TRUE(RunUntil(half.io, [&] {
    std::error_code ignored;
    if (reply.empty()) half.peer.write_some(asio::buffer(garbage), ignored);
    char bytes[100];
    const size_t count = half.peer.read_some(asio::buffer(bytes), error);
    reply.append(bytes, count);
    return error && error != asio::error::would_block;
  }));
  EXPECT_EQ(reply, "the reason");
  EXPECT_EQ(error, asio::error::eof);
  // And it may go on for a while.
  for (int i = 0; i < 3; ++i) {
    half.peer.write_some(asio::buffer(garbage), error);
    EXPECT_TRUE(!error || error == asio::error::would_block) << error.message();
    half.io.restart();
    half.io.poll();
  }
  half.peer.close();
  ASSERT_TRUE(half.Closed());
  EXPECT_EQ(half.handler.calls, 1);
}

TEST(TcpTransportCloseTest, FramesAreReleasedWhenTheLoopGoesAway) {
  int released = 0;
  RecordingHandler handler;
  {
    asio::io_context io{1};
    SocketPair sockets(io);
    const auto transport = NewTcpTransport(std::move(sockets.left), {});
    transport->Start(&handler);
    for (int i = 0; i < 30; ++i) transport->Send(FrameOf(Pattern(1'000'000), "", &released));
    io.poll();
    EXPECT_LT(released, 30);
  }
  EXPECT_EQ(released, 30);
}

TEST(TcpTransportCloseTest, TransportThatWasNeverStartedCloses) {
  asio::io_context io{1};
  SocketPair sockets(io);
  std::weak_ptr<Transport> gone;
  {
    const auto transport = NewTcpTransport(std::move(sockets.left), {});
    gone = transport;
    transport->Close(absl::OkStatus(), false);
  }
  EXPECT_TRUE(RunUntil(io, [&] { return gone.expired(); }));
}

TEST(TcpTransportCloseTest, NothingIsLeftBehind) {
  std::weak_ptr<Transport> gone;
  Half half;
  gone = half.transport;
  half.transport->Send(FrameOf("x"));
  half.peer.close();
  ASSERT_TRUE(half.Closed());
  half.transport.reset();
  EXPECT_TRUE(RunUntil(half.io, [&] { return gone.expired(); }));
}

}  // namespace
}  // namespace leat
