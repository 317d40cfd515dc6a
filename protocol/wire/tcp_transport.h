#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "protocol/wire/transport.h"

namespace leat {

struct TcpOptions {
  size_t read_buffer_bytes = 64 * 1024;  // of a connection that has much to say; it begins smaller
  size_t read_buffer_bytes_max = 8 * 1024 * 1024;
  // A receive buffer larger than what was needed for this long shrinks; one that was not used goes.
  absl::Duration trim_period = absl::Seconds(1);
  absl::Duration flush_deadline = absl::Seconds(5);  // of Close(flush)
  bool keep_alive = true;  // TCP keep-alive: a dead peer is noticed within about two minutes
};

// A connected socket as a Transport: one reading and one writing coroutine on the io_context, which is run by
// one thread; everything happens on that thread. Small frames that are queued together leave in one gathered
// write, file ranges by sendfile. The receive buffer grows only as bytes arrive, up to what the handler
// wants. The object keeps itself alive until OnClosed has returned; the pointer is for calls before that.
std::shared_ptr<Transport> NewTcpTransport(asio::ip::tcp::socket socket, const TcpOptions& options);

// Host and port of "HOST:PORT", "[v6]:PORT" or "HOST" (with `default_port`).
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
absl::StatusOr<HostPort> ParseHostPort(absl::string_view text, uint16_t default_port);

inline constexpr uint16_t kDefaultPort = 9640;

}  // namespace leat
