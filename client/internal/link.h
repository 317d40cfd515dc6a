#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "asio/io_context.hpp"
#include "asio/ip/tcp.hpp"
#include "client/internal/connector.h"
#include "client/internal/monotonic.h"
#include "client/internal/random.h"
#include "client/internal/timer_queue.h"
#include "client/options.h"
#include "protocol/wire/leat.pb.h"
#include "protocol/wire/transport.h"

namespace leat {

// A reply of the broker; valid during the callback.
struct LinkReply {
  const wire::ResponseHeader& header;
  absl::string_view payload;
};
// The error: kUnavailable (no connection, or lost while waiting), kTimedOut, the broker's own, kShuttingDown.
using LinkCallback = absl::AnyInvocable<void(absl::StatusOr<LinkReply>) &&>;

struct LinkRequest {
  wire::RequestHeader header;  // the correlation id is filled in
  std::string payload;
  MonotonicTime deadline = MonotonicTime::max();  // of everything, waiting for the connection included
  absl::Duration reply_timeout;                   // from sending on
};

// The connection to the broker: makes it, says Hello, links replies to requests, and makes it again when it
// is lost. Requests wait for it until their deadline. All on the io thread, callbacks too; they may call the
// link.
class Link final : public Transport::Handler {
 public:
  Link(asio::io_context& io, TimerQueue& timers, SplitMixRandom& random, const ClientOptions& options,
       std::string host, uint16_t port);
  ~Link() override;

  void Start();
  // Fails all requests with `reason`, and those that still come.
  void Shutdown(const absl::Status& reason);

  void Call(LinkRequest request, LinkCallback done);
  // For requests that are not answered: OK when the bytes were handed to the network.
  void Send(LinkRequest request, absl::AnyInvocable<void(absl::Status) &&> done);

  // Calls back when Hello was answered, or with the error of the attempt to connect that fails next.
  void WhenReady(absl::AnyInvocable<void(absl::Status) &&> done);

  bool ready() const { return state_ == State::kReady; }
  bool shut_down() const { return state_ == State::kShutDown; }
  // Why there is no connection; OK when there is one or none was tried yet.
  const absl::Status& last_error() const { return last_error_; }
  // Of the latest Hello; zeros before the first.
  const wire::Limits& limits() const { return limits_; }
  // Bytes that wait for the network to take them.
  size_t queued_bytes() const { return transport_ == nullptr ? 0 : transport_->queued_bytes(); }

  // Transport::Handler
  Transport::ReadResult OnData(absl::Span<char> data) override;
  void OnClosed(const absl::Status& reason) override;

 private:
  // kClosing: the transport was told to close. kWaiting: for the next attempt.
  enum class State { kConnecting, kHello, kReady, kClosing, kWaiting, kShutDown };

  struct Outstanding {
    LinkRequest request;  // emptied once sent
    LinkCallback done;
    TimerQueue::Id timer;
    bool sent = false;
  };

  void Connect();
  void OnConnected(absl::StatusOr<asio::ip::tcp::socket> socket);
  void OnHello(absl::StatusOr<LinkReply> reply);
  absl::Status CheckIdentity(const wire::HelloResponse& hello);
  void Lost(const absl::Status& error);
  void TellReady(const absl::Status& status);
  void FailAll(const absl::Status& reason, bool unsent_too);

  uint64_t Register(LinkRequest request, LinkCallback done);
  void TransmitOutstanding(uint64_t id);
  absl::Status Transmit(LinkRequest& request, uint64_t id, absl::AnyInvocable<void() &&> on_released);
  void OnTimer(uint64_t id);
  void OnFrame(absl::string_view header, absl::string_view payload);
  void Complete(uint64_t id, absl::StatusOr<LinkReply> reply);
  size_t ReplyBytesMax() const;
  std::string Address() const;

  asio::io_context& io_;
  TimerQueue& timers_;
  SplitMixRandom& random_;
  const ClientOptions& options_;
  const std::string host_;
  const uint16_t port_;

  State state_ = State::kWaiting;
  absl::Status shutdown_reason_;
  int failures_ = 0;  // attempts since the last reply
  TimerQueue::Id timer_;
  std::shared_ptr<Connector> connector_;  // of the attempt under way
  absl::Status last_error_;               // why there is no connection
  absl::Status farewell_;                 // what the broker said before it closed
  std::shared_ptr<Transport> transport_;

  wire::Limits limits_;
  std::string data_id_;
  std::vector<absl::AnyInvocable<void(absl::Status) &&>> ready_waiters_;
  absl::flat_hash_map<uint64_t, Outstanding> outstanding_;
  std::deque<uint64_t> unsent_;  // in the order of the calls; ids that are gone are skipped
  uint64_t next_id_ = 1;
  MonotonicTime last_received_{};
  wire::ResponseHeader reply_header_;  // kept for its memory
};

}  // namespace leat
