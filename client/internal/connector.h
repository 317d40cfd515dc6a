#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <system_error>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "client/internal/timer_queue.h"

namespace leat {

// One attempt to connect to a host: resolves the name, tries its addresses in turn. All on the io thread.
class Connector : public std::enable_shared_from_this<Connector> {
 public:
  using Done = absl::AnyInvocable<void(absl::StatusOr<asio::ip::tcp::socket>) &&>;

  // `timeout` holds for each address. The error is kUnavailable; its message is the cause alone.
  Connector(asio::io_context& io, TimerQueue& timers, absl::Duration timeout, Done done);

  void Start(const std::string& host, uint16_t port);
  // Nothing is called afterwards.
  void Cancel();

 private:
  void TryNext();
  void OnConnected(const std::error_code& error);
  void AddFailure(const asio::ip::tcp::endpoint& endpoint, const std::string& cause);
  void Finish(absl::StatusOr<asio::ip::tcp::socket> result);

  asio::io_context& io_;
  TimerQueue& timers_;
  const absl::Duration timeout_;
  Done done_;  // empty once called or cancelled
  asio::ip::tcp::resolver resolver_;
  asio::ip::tcp::socket socket_;
  TimerQueue::Id timer_;
  bool timed_out_ = false;
  std::deque<asio::ip::tcp::endpoint> endpoints_;  // the front is being tried
  std::string failures_;
};

}  // namespace leat
