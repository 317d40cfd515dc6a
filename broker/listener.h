#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "asio/awaitable.hpp"
#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "broker/metrics.h"
#include "broker/network_thread.h"

namespace leat {

// Accepts connections on one or several addresses and hands them to the network threads in turn. Goes on
// after every error; without descriptors it accepts and closes, so that peers are not left waiting, and backs
// off.
class Listener {
 public:
  // A new socket of `thread`; called on the accepting thread.
  using OnSocket = std::function<void(size_t thread, asio::ip::tcp::socket socket)>;

  // Binds and listens. With port 0 all addresses get the same free port. An address of several may fail (no
  // IPv6 here), all may not: kUnavailable with the cause.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(
      const std::vector<asio::ip::tcp::endpoint>& endpoints,
      const std::vector<std::unique_ptr<NetworkThread>>& threads, Metrics& metrics, OnSocket on_socket);
  ~Listener();

  // Begins to accept on the first thread.
  void Start();
  // Accepts nothing more once it returns. Any thread but the network's.
  void Stop();

  // The first address, as clients would write it.
  const std::string& address() const { return address_; }
  uint16_t port() const { return port_; }

 private:
  using Acceptor = asio::ip::tcp::acceptor;

  Listener(const std::vector<std::unique_ptr<NetworkThread>>& threads, Metrics& metrics, OnSocket on_socket);
  absl::Status Bind(asio::ip::tcp::endpoint endpoint);
  asio::awaitable<void> AcceptLoop(Acceptor* acceptor);
  asio::awaitable<void> AfterError(Acceptor* acceptor, std::error_code error);
  void ShedOne(Acceptor& acceptor);

  const std::vector<std::unique_ptr<NetworkThread>>& threads_;
  Metrics& metrics_;
  const OnSocket on_socket_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::string address_;
  uint16_t port_ = 0;
  size_t next_thread_ = 0;
  int reserve_fd_ = -1;  // given up for a moment when there are no others
};

}  // namespace leat
