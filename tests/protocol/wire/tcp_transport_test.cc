#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/leat.pb.h"
#include "tests/protocol/wire/transport_test_util.h"
#include "tests/support/temp_dir.h"

// What is particular to TCP; tests/contract/transport_contract_test.cc has what every transport does.

namespace leat {
namespace {

class FileSource final : public ByteSource {
 public:
  FileSource(const std::string& path, const std::string& bytes)
      : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    EXPECT_EQ(::write(fd_, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  ~FileSource() override { ::close(fd_); }
  int NativeHandle() const override { return fd_; }
  absl::Status ReadAt(uint64_t, absl::Span<char>) const override {
    return MakeError(ErrorCode::kUnknown, "not asked for when there is a descriptor");
  }

 private:
  const int fd_;
};

TEST(TcpTransportTest, FileRangesLeaveBySendfileInOrder) {
  TempDir dir;
  const std::string bytes = Pattern(5'000'000);
  const auto file = std::make_shared<FileSource>(dir.path() + "/segment", bytes);
  TcpPair pair;
  pair.Start();
  int released = 0;
  std::string expected;
  for (int i = 0; i < 5; ++i) {
    OutFrame frame = FrameOf("head", "body", &released);
    const auto offset = static_cast<size_t>(i) * 1000;
    frame.ranges = {{file, offset, 2'000'000}, {file, 0, 0}, {file, 4'999'999, 1}, {file, 7, 4}};
    expected += "headbody" + bytes.substr(offset, 2'000'000) + bytes.substr(4'999'999) + bytes.substr(7, 4);
    pair.left->Send(std::move(frame));
    pair.left->Send(FrameOf("between", "", &released));
    expected += "between";
  }
  ASSERT_TRUE(pair.RunUntil([&] { return pair.right_handler.received.size() >= expected.size(); }));
  EXPECT_TRUE(pair.right_handler.received == expected);
  ASSERT_TRUE(pair.RunUntil([&] { return released == 10; }));
  EXPECT_EQ(file.use_count(), 1);
}

TEST(TcpTransportTest, AFileThatIsTooShortEndsTheConnection) {
  TempDir dir;
  const auto file = std::make_shared<FileSource>(dir.path() + "/segment", "0123456789");
  TcpPair pair;
  pair.Start();
  int released = 0;
  OutFrame frame = FrameOf("head", "", &released);
  frame.ranges = {{file, 5, 6}};
  pair.left->Send(std::move(frame));
  ASSERT_TRUE(pair.RunUntil([&] { return pair.left_handler.closed && pair.right_handler.closed; }));
  EXPECT_EQ(CodeOf(*pair.left_handler.closed), ErrorCode::kStorageError);
  EXPECT_EQ(released, 1);
}

// sendfile(2) raises SIGPIPE, which would end this process.
TEST(TcpTransportTest, SendingAFileToAPeerThatIsGoneOnlyEndsTheConnection) {
  TempDir dir;
  const auto file = std::make_shared<FileSource>(dir.path() + "/segment", Pattern(1'000'000));
  asio::io_context io{1};
  SocketPair sockets(io);
  RecordingHandler handler;
  const auto transport = NewTcpTransport(std::move(sockets.left), {});
  transport->SetReading(false);
  transport->Start(&handler);
  sockets.right.close();
  int released = 0;
  for (int i = 0; i < 100; ++i) {
    OutFrame frame = FrameOf("", "", &released);
    frame.ranges = {{file, 0, 1'000'000}};
    transport->Send(std::move(frame));
  }
  ASSERT_TRUE(RunUntil(io, [&] { return handler.closed.has_value(); }));
  EXPECT_EQ(CodeOf(*handler.closed), ErrorCode::kUnavailable);
  EXPECT_EQ(released, 100);
}

// A reader of frames as a session has it.
class FrameReader {
 public:
  Transport::ReadResult OnData(absl::Span<char> data) {
    size_t consumed = 0;
    for (;;) {
      const absl::StatusOr<DecodedFrame> decoded = DecodeFrame(data.subspan(consumed), 1 << 20);
      EXPECT_TRUE(decoded.ok()) << decoded.status();
      if (!decoded.ok()) return {data.size(), 0};
      if (!decoded->complete) return {consumed, decoded->total_bytes};
      wire::RequestHeader header;
      EXPECT_TRUE(header.ParseFromArray(decoded->frame.header.data(),
                                        static_cast<int>(decoded->frame.header.size())));
      ids.push_back(header.correlation_id());
      payload_bytes += decoded->frame.payload.size();
      consumed += decoded->total_bytes;
    }
  }
  std::vector<uint64_t> ids;
  size_t payload_bytes = 0;
};

std::string RequestFrame(uint64_t id, size_t payload_bytes) {
  wire::RequestHeader header;
  header.set_correlation_id(id);
  header.mutable_server_info();
  return *EncodeFrameHead(header, payload_bytes) + Pattern(payload_bytes);
}

TEST(TcpTransportTest, AFrameOneByteAtATime) {
  asio::io_context io{1};
  SocketPair sockets(io);
  FrameReader reader;
  RecordingHandler handler;
  handler.on_data = [&](absl::Span<char> data) { return reader.OnData(data); };
  const auto transport = NewTcpTransport(std::move(sockets.left), {});
  transport->Start(&handler);
  sockets.right.set_option(asio::ip::tcp::no_delay(true));
  const std::string bytes = RequestFrame(1, 20) + RequestFrame(2, 0);
  for (const char& byte : bytes) {
    ASSERT_EQ(sockets.right.write_some(asio::buffer(&byte, 1)), 1u);
    io.restart();
    io.poll();
  }
  ASSERT_TRUE(RunUntil(io, [&] { return reader.ids.size() == 2; }));
  EXPECT_EQ(reader.payload_bytes, 20u);
  transport->Close(absl::OkStatus(), false);
  EXPECT_TRUE(RunUntil(io, [&] { return handler.closed.has_value(); }));
}

TEST(TcpTransportTest, ManyFramesPerWakeUp) {
  TcpPair pair;
  FrameReader reader;
  pair.right_handler.on_data = [&](absl::Span<char> data) { return reader.OnData(data); };
  pair.Start();
  size_t payload_bytes = 0;
  for (uint64_t id = 0; id < 5000; ++id) {
    pair.left->Send(FrameOf(RequestFrame(id, id % 300)));
    payload_bytes += id % 300;
  }
  ASSERT_TRUE(pair.RunUntil([&] { return reader.ids.size() == 5000; }));
  for (uint64_t id = 0; id < 5000; ++id) ASSERT_EQ(reader.ids[id], id);
  EXPECT_EQ(reader.payload_bytes, payload_bytes);
  EXPECT_LT(pair.right_handler.calls, 500);
}

TEST(TcpTransportTest, TheBufferGrowsOnlyAsBytesArriveAndGoesWhenIdle) {
  TcpOptions options;
  options.trim_period = absl::Milliseconds(5);
  TcpPair pair(options);
  constexpr size_t kFrame = 3 * 1024 * 1024;
  size_t most = 0;
  bool whole = false;
  pair.right_handler.on_data = [&](absl::Span<char> data) -> Transport::ReadResult {
    most = std::max(most, pair.right->buffer_bytes());
    if (data.size() < kFrame) return {0, kFrame};
    whole = true;
    return {data.size(), 0};
  };
  pair.Start();
  EXPECT_EQ(pair.right->buffer_bytes(), 0u);
  pair.left->Send(FrameOf(std::string(100, 'x')));
  ASSERT_TRUE(pair.RunUntil([&] { return pair.right_handler.calls > 0; }));
  EXPECT_LE(pair.right->buffer_bytes(), options.read_buffer_bytes);
  pair.left->Send(FrameOf(std::string(kFrame - 100, 'x')));
  ASSERT_TRUE(pair.RunUntil([&] { return whole; }));
  EXPECT_GE(most, kFrame);
  EXPECT_LE(most, options.read_buffer_bytes_max);
  EXPECT_TRUE(pair.RunUntil([&] { return pair.right->buffer_bytes() == 0; }));
  whole = false;
  pair.left->Send(FrameOf(std::string(kFrame, 'x')));
  EXPECT_TRUE(pair.RunUntil([&] { return whole; }));
}

// One thread per end, as broker and client have it.
TEST(TcpTransportTest, EndsInDifferentThreads) {
  asio::io_context left_io{1};
  asio::io_context right_io{1};
  asio::ip::tcp::acceptor acceptor(left_io, {asio::ip::address_v4::loopback(), 0});
  asio::ip::tcp::socket client(right_io);
  client.connect(acceptor.local_endpoint());
  RecordingHandler echo;
  RecordingHandler sender;
  const auto left = NewTcpTransport(acceptor.accept(), {});
  const auto right = NewTcpTransport(std::move(client), {});
  echo.on_data = [&](absl::Span<char> data) {
    left->Send(FrameOf(std::string(data.data(), data.size())));
    return Transport::ReadResult{data.size(), 0};
  };
  constexpr int kFrames = 2000;
  int released = 0;
  size_t received = 0;
  sender.on_data = [&](absl::Span<char> data) {
    received += data.size();
    if (received == kFrames * 1000u) right->Close(absl::OkStatus(), true);
    return Transport::ReadResult{data.size(), 0};
  };
  left->Start(&echo);
  right->Start(&sender);
  for (int i = 0; i < kFrames; ++i) right->Send(FrameOf(Pattern(1000), "", &released));
  std::thread left_thread([&] { left_io.run(); });
  right_io.run();
  left_thread.join();
  EXPECT_EQ(received, kFrames * 1000u);
  EXPECT_EQ(released, kFrames);
  EXPECT_TRUE(echo.closed && echo.closed->ok());
  EXPECT_EQ(sender.closed_calls, 1);
}

}  // namespace
}  // namespace leat
