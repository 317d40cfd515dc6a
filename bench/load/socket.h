#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace leat {

// A blocking TCP socket, closed on destruction. Load generators use plain blocking calls so that their own
// cost stays small and plain to see.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // Waits at most `timeout_s` in any later send or receive.
  static absl::StatusOr<Socket> Connect(const std::string& host, uint16_t port, int timeout_s = 30);

  [[nodiscard]] absl::Status SendAll(absl::Span<const absl::string_view> parts);
  // At least one byte; kUnavailable when the peer has closed.
  absl::StatusOr<size_t> ReceiveSome(absl::Span<char> out);
  [[nodiscard]] absl::Status ReceiveAll(absl::Span<char> out);

  // Sends no more, and waits (a second at most) until the peer, which has then taken all of it, closes its
  // side. May run while other threads use the socket; their later sends fail.
  void FinishSending();

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// Listens on a free loopback port.
class ListeningSocket {
 public:
  static absl::StatusOr<ListeningSocket> Open(uint16_t port = 0);
  uint16_t port() const { return port_; }
  absl::StatusOr<Socket> Accept();
  // Makes a waiting Accept fail.
  void Shutdown();

 private:
  Socket socket_;
  uint16_t port_ = 0;
};

}  // namespace leat
