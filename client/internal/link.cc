#include "client/internal/link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/retry_policy.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/tcp_transport.h"

namespace leat {
namespace {

constexpr absl::string_view kClientVersion = "0.1.0";
// No reply is larger, whatever limits a broker states.
constexpr size_t kReplyBytesCap = 256 * 1024 * 1024;
constexpr size_t kHelloReplyBytesMax = 64 * 1024;

}  // namespace

Link::Link(asio::io_context& io, TimerQueue& timers, SplitMixRandom& random, const ClientOptions& options,
           std::string host, uint16_t port)
    : io_(io), timers_(timers), random_(random), options_(options), host_(std::move(host)), port_(port) {}

Link::~Link() = default;

std::string Link::Address() const {
  return host_.find(':') == std::string::npos ? absl::StrCat(host_, ":", port_)
                                              : absl::StrCat("[", host_, "]:", port_);
}

void Link::Start() { Connect(); }

void Link::Connect() {
  state_ = State::kConnecting;
  connector_ = std::make_shared<Connector>(
      io_, timers_, options_.connect_timeout,
      [this](absl::StatusOr<asio::ip::tcp::socket> socket) { OnConnected(std::move(socket)); });
  connector_->Start(host_, port_);
}

void Link::OnConnected(absl::StatusOr<asio::ip::tcp::socket> socket) {
  connector_ = nullptr;
  if (!socket.ok()) {
    return Lost(
        MakeError(ErrorCode::kUnavailable,
                  absl::StrCat("cannot reach a broker at ", Address(), " (", socket.status().message(),
                               "). Is leatd running there? Start it, or use another address")));
  }
  TcpOptions tcp;
  tcp.read_buffer_bytes_max = kReplyBytesCap;
  transport_ = NewTcpTransport(*std::move(socket), tcp);
  state_ = State::kHello;
  farewell_ = absl::OkStatus();
  last_received_ = MonotonicNow();
  LinkRequest hello;
  hello.reply_timeout = options_.connect_timeout;
  wire::HelloRequest* body = hello.header.mutable_hello();
  body->set_version_min(kProtocolVersionMin);
  body->set_version_max(kProtocolVersionMax);
  body->set_client_name(options_.client_name);
  body->set_client_version(std::string(kClientVersion));
  const uint64_t id =
      Register(std::move(hello), [this](absl::StatusOr<LinkReply> reply) { OnHello(std::move(reply)); });
  TransmitOutstanding(id);
  transport_->Start(this);
}

void Link::OnHello(absl::StatusOr<LinkReply> reply) {
  if (state_ != State::kHello) return;  // the connection was lost meanwhile, which is dealt with there
  absl::Status status = reply.status();
  if (status.ok() && !reply->header.has_hello()) {
    status = MakeError(ErrorCode::kUnavailable, "what answers is not a Leat broker");
  }
  if (status.ok()) {
    const uint32_t version = reply->header.hello().version();
    if (version < kProtocolVersionMin || version > kProtocolVersionMax) {
      status = MakeError(ErrorCode::kUnsupportedVersion,
                         absl::StrCat("it chose protocol version ", version, ", which was not offered"));
    }
  }
  if (!status.ok()) {
    farewell_ = MakeError(CodeOf(status), absl::StrCat("the broker at ", Address(),
                                                       " did not accept the connection: ", status.message()));
    state_ = State::kClosing;
    return transport_->Close(farewell_, false);
  }
  if (status = CheckIdentity(reply->header.hello()); !status.ok()) return Shutdown(status);
  limits_ = reply->header.hello().limits();
  state_ = State::kReady;
  last_error_ = absl::OkStatus();
  for (const uint64_t id : std::exchange(unsent_, {})) TransmitOutstanding(id);
  TellReady(absl::OkStatus());
}

// Positions and acknowledgements mean nothing in another data directory: going on silently would lose
// records.
absl::Status Link::CheckIdentity(const wire::HelloResponse& hello) {
  if (!data_id_.empty() && data_id_ != hello.data_id()) {
    return MakeError(ErrorCode::kDataLoss,
                     absl::StrCat("the broker at ", Address(), " now serves other data (", hello.data_id(),
                                  ", before: ", data_id_, "); make a new client to work with it"));
  }
  data_id_ = hello.data_id();
  return absl::OkStatus();
}

void Link::OnClosed(const absl::Status& reason) {
  transport_ = nullptr;
  if (state_ == State::kShutDown) return;
  if (!farewell_.ok()) return Lost(farewell_);
  Lost(MakeError(ErrorCode::kUnavailable,
                 absl::StrCat("the connection to the broker at ", Address(), " was lost",
                              reason.ok() ? "" : ": ", reason.ok() ? "" : reason.message())));
}

// There is no connection now: what was sent on it fails, the next attempt is due after a while.
void Link::Lost(const absl::Status& error) {
  state_ = State::kWaiting;
  last_error_ = error;
  ++failures_;
  timer_ =
      timers_.Add(After(MonotonicNow(), BackOff(options_.retry, failures_, random_)), [this] { Connect(); });
  FailAll(MakeError(ErrorCode::kUnavailable,
                    absl::StrCat(error.message(), "; the request may or may not have been carried out")),
          false);
  TellReady(error);
}

void Link::Shutdown(const absl::Status& reason) {
  if (state_ == State::kShutDown) return;
  state_ = State::kShutDown;
  shutdown_reason_ = reason;
  timers_.Cancel(timer_);
  if (connector_ != nullptr) std::exchange(connector_, nullptr)->Cancel();
  if (transport_ != nullptr) transport_->Close(reason, false);
  FailAll(reason, true);
  TellReady(reason);
}

void Link::WhenReady(absl::AnyInvocable<void(absl::Status) &&> done) {
  if (state_ == State::kShutDown) return std::move(done)(shutdown_reason_);
  if (state_ == State::kReady) return std::move(done)(absl::OkStatus());
  ready_waiters_.push_back(std::move(done));
}

void Link::TellReady(const absl::Status& status) {
  for (auto& waiter : std::exchange(ready_waiters_, {})) std::move(waiter)(status);
}

void Link::FailAll(const absl::Status& reason, bool unsent_too) {
  std::vector<uint64_t> ids;
  for (const auto& [id, outstanding] : outstanding_) {
    if (outstanding.sent || unsent_too) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  for (const uint64_t id : ids) Complete(id, reason);
}

void Link::Call(LinkRequest request, LinkCallback done) {
  if (state_ == State::kShutDown) return std::move(done)(shutdown_reason_);
  const uint64_t id = Register(std::move(request), std::move(done));
  if (state_ == State::kReady) return TransmitOutstanding(id);
  unsent_.push_back(id);
}

void Link::Send(LinkRequest request, absl::AnyInvocable<void(absl::Status) &&> done) {
  if (state_ != State::kReady) {
    return std::move(done)(state_ == State::kShutDown ? shutdown_reason_
                                                      : MakeError(ErrorCode::kUnavailable, "no connection"));
  }
  // Shared between the two ways out: not sent at all, or released by the transport.
  auto shared = std::make_shared<absl::AnyInvocable<void(absl::Status) &&>>(std::move(done));
  const absl::Status status = Transmit(request, next_id_++, [this, shared] {
    const bool lost = state_ != State::kReady || transport_ == nullptr;
    std::move (*shared)(lost ? MakeError(ErrorCode::kUnavailable, "the connection was lost")
                             : absl::OkStatus());
  });
  if (!status.ok()) std::move (*shared)(status);
}

uint64_t Link::Register(LinkRequest request, LinkCallback done) {
  const uint64_t id = next_id_++;
  Outstanding& outstanding = outstanding_[id];
  outstanding.timer = timers_.Add(request.deadline, [this, id] { OnTimer(id); });
  outstanding.request = std::move(request);
  outstanding.done = std::move(done);
  return id;
}

void Link::TransmitOutstanding(uint64_t id) {
  const auto it = outstanding_.find(id);
  if (it == outstanding_.end()) return;
  Outstanding& outstanding = it->second;
  if (const absl::Status status = Transmit(outstanding.request, id, nullptr); !status.ok()) {
    return Complete(id, status);
  }
  outstanding.sent = true;
  timers_.Cancel(outstanding.timer);
  const MonotonicTime due =
      std::min(outstanding.request.deadline, After(MonotonicNow(), outstanding.request.reply_timeout));
  outstanding.timer = timers_.Add(due, [this, id] { OnTimer(id); });
}

absl::Status Link::Transmit(LinkRequest& request, uint64_t id, absl::AnyInvocable<void() &&> on_released) {
  request.header.set_correlation_id(id);
  absl::StatusOr<std::string> head = EncodeFrameHead(request.header, request.payload.size());
  if (!head.ok()) return head.status();
  const size_t limit = state_ == State::kReady ? limits_.frame_bytes_max() : kHelloFrameBytesMax;
  const size_t total = head->size() + request.payload.size();
  if (limit != 0 && total > limit) {
    return MakeError(
        ErrorCode::kFrameTooLarge,
        absl::StrCat("the request has ", total, " bytes, the broker at ", Address(), " takes ", limit));
  }
  request.header.Clear();
  OutFrame frame;
  frame.head = *std::move(head);
  frame.body = std::move(request.payload);
  frame.on_released = std::move(on_released);
  transport_->Send(std::move(frame));
  return absl::OkStatus();
}

void Link::OnTimer(uint64_t id) {
  const auto it = outstanding_.find(id);
  if (it == outstanding_.end()) return;
  it->second.timer = TimerQueue::kNone;
  if (!it->second.sent) {
    while (!unsent_.empty() && (unsent_.front() == id || !outstanding_.contains(unsent_.front()))) {
      unsent_.pop_front();
    }
    return Complete(id, last_error_.ok()
                            ? MakeError(ErrorCode::kTimedOut, absl::StrCat("no connection to the broker at ",
                                                                           Address(), " in the time allowed"))
                            : last_error_);
  }
  const bool silent = MonotonicNow() >= After(last_received_, it->second.request.reply_timeout);
  Complete(id, MakeError(ErrorCode::kTimedOut,
                         absl::StrCat("the broker at ", Address(),
                                      " did not answer in the time allowed; the request may or may not have "
                                      "been carried out")));
  if (silent && transport_ != nullptr && (state_ == State::kReady || state_ == State::kHello)) {
    state_ = State::kClosing;
    transport_->Close(MakeError(ErrorCode::kTimedOut, "the broker is silent"), false);
  }
}

size_t Link::ReplyBytesMax() const {
  // Stored batches may be larger than today's limits; memory grows only as bytes arrive.
  return state_ == State::kReady ? kReplyBytesCap : kHelloReplyBytesMax;
}

Transport::ReadResult Link::OnData(absl::Span<char> data) {
  last_received_ = MonotonicNow();
  Transport::ReadResult result;
  while (state_ == State::kHello || state_ == State::kReady) {
    const absl::StatusOr<DecodedFrame> frame = DecodeFrame(data.subspan(result.consumed), ReplyBytesMax());
    if (!frame.ok()) {
      farewell_ = MakeError(ErrorCode::kUnavailable,
                            absl::StrCat("what answers at ", Address(),
                                         " does not speak Leat's protocol: ", frame.status().message()));
      state_ = State::kClosing;
      transport_->Close(farewell_, false);
      break;
    }
    if (!frame->complete) {
      result.wanted = frame->total_bytes;
      break;
    }
    result.consumed += frame->total_bytes;
    OnFrame(frame->frame.header, absl::string_view(frame->frame.payload.data(), frame->frame.payload.size()));
  }
  return result;
}

void Link::OnFrame(absl::string_view header, absl::string_view payload) {
  // A callback may lead to the next frame only through the transport, so one header is enough.
  if (!reply_header_.ParseFromArray(header.data(), static_cast<int>(header.size()))) {
    farewell_ = MakeError(ErrorCode::kUnavailable, absl::StrCat("a reply of ", Address(), " is malformed"));
    state_ = State::kClosing;
    return transport_->Close(farewell_, false);
  }
  const absl::Status error = FromWire(reply_header_.error());
  const uint64_t id = reply_header_.correlation_id();
  if (!outstanding_.contains(id)) {
    // Not for a request: the reason why the broker is about to close. Else a late reply to what timed out.
    if (id == 0 && !error.ok()) farewell_ = error;
    return;
  }
  if (state_ == State::kReady) failures_ = 0;
  if (!error.ok()) return Complete(id, error);
  Complete(id, LinkReply{reply_header_, payload});
}

void Link::Complete(uint64_t id, absl::StatusOr<LinkReply> reply) {
  auto node = outstanding_.extract(id);
  if (node.empty()) return;
  timers_.Cancel(node.mapped().timer);
  std::move(node.mapped().done)(std::move(reply));
}

}  // namespace leat
