#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "protocol/record/error.h"
#include "protocol/wire/tcp_transport.h"
#include "protocol/wire/transport.h"

namespace leat {

// Takes everything that comes, unless `on_data` says otherwise.
class RecordingHandler final : public Transport::Handler {
 public:
  Transport::ReadResult OnData(absl::Span<char> data) override {
    ++calls;
    if (on_data) return on_data(data);
    received.append(data.data(), data.size());
    return {data.size(), 0};
  }
  void OnClosed(const absl::Status& reason) override {
    ++closed_calls;
    closed = reason;
    if (on_closed) on_closed();
  }

  std::function<Transport::ReadResult(absl::Span<char>)> on_data;
  std::function<void()> on_closed;
  std::string received;
  std::optional<absl::Status> closed;
  int calls = 0;
  int closed_calls = 0;
};

inline OutFrame FrameOf(std::string head, std::string body = "", int* released = nullptr) {
  OutFrame frame;
  frame.head = std::move(head);
  frame.body = std::move(body);
  if (released != nullptr) frame.on_released = [released] { ++*released; };
  return frame;
}

// Bytes whose order shows.
inline std::string Pattern(size_t size, unsigned seed = 1) {
  std::string bytes(size, '\0');
  uint32_t state = seed * 2654435761u + 1;
  for (char& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

class StringSource final : public ByteSource {
 public:
  explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}
  int NativeHandle() const override { return -1; }
  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const override {
    if (offset + out.size() > bytes_.size())
      return MakeError(ErrorCode::kStorageError, "read beyond the end");
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(offset), out.size(), out.begin());
    return absl::OkStatus();
  }

 private:
  const std::string bytes_;
};

// A connected pair of sockets on the loopback interface.
struct SocketPair {
  explicit SocketPair(asio::io_context& io) : left(io), right(io) {
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    left.connect(acceptor.local_endpoint());
    right = acceptor.accept();
  }
  asio::ip::tcp::socket left;
  asio::ip::tcp::socket right;
};

// Runs `io` until `done`, for at most 20 seconds.
inline bool RunUntil(asio::io_context& io, const std::function<bool()>& done) {
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (!done()) {
    if (absl::Now() > deadline) return false;
    io.restart();
    io.run_one_for(std::chrono::milliseconds(50));
  }
  return true;
}

// Two TCP transports on one io_context that the test runs itself.
class TcpPair {
 public:
  explicit TcpPair(const TcpOptions& options = {}) : TcpPair(options, options) {}
  TcpPair(const TcpOptions& left_options, const TcpOptions& right_options) {
    SocketPair sockets(io);
    left = NewTcpTransport(std::move(sockets.left), left_options);
    right = NewTcpTransport(std::move(sockets.right), right_options);
  }
  void Start() {
    left->Start(&left_handler);
    right->Start(&right_handler);
  }
  bool RunUntil(const std::function<bool()>& done) { return leat::RunUntil(io, done); }
  // Lets happen what can happen now.
  void RunSome() {
    for (int i = 0; i < 200; ++i) {
      io.restart();
      io.poll();
    }
  }

  // The handlers outlive the transports.
  RecordingHandler left_handler;
  RecordingHandler right_handler;
  asio::io_context io{1};
  std::shared_ptr<Transport> left;
  std::shared_ptr<Transport> right;
};

}  // namespace leat
