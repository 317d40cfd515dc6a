#include "protocol/wire/tcp_transport.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "asio/awaitable.hpp"
#include "asio/co_spawn.hpp"
#include "asio/post.hpp"
#include "asio/redirect_error.hpp"
#include "asio/steady_timer.hpp"
#include "asio/use_awaitable.hpp"
#include "protocol/record/error.h"
#include "protocol/wire/frame_sender.h"
#include "protocol/wire/receive_buffer.h"

namespace leat {
namespace {

// A reader that finds ever more data lets others run after this many bytes.
constexpr size_t kReadTurnBytes = 1024 * 1024;
// How long a flushed connection waits for the peer to close too, see BeginDrain.
constexpr absl::Duration kDrainMax = absl::Seconds(1);

std::string NameOf(const asio::ip::tcp::socket& socket) {
  std::error_code error;
  const asio::ip::tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return "unknown peer";
  const std::string address = peer.address().to_string();
  return peer.address().is_v6() ? absl::StrCat("[", address, "]:", peer.port())
                                : absl::StrCat(address, ":", peer.port());
}

void SetSocketOptions(asio::ip::tcp::socket& socket, bool keep_alive) {
  const int fd = socket.native_handle();
  const auto set = [fd](int level, int name, int value) {
    // Without these the connection still works, only slower or without noticing a dead peer.
    static_cast<void>(::setsockopt(fd, level, name, &value, sizeof(value)));
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  if (!keep_alive) return;
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set(IPPROTO_TCP, TCP_KEEPCNT, 4);
}

class TcpTransport final : public Transport, public std::enable_shared_from_this<TcpTransport> {
 public:
  TcpTransport(asio::ip::tcp::socket socket, const TcpOptions& options)
      : options_(options),
        socket_(std::move(socket)),
        peer_(NameOf(socket_)),
        buffer_(options.read_buffer_bytes, options.read_buffer_bytes_max) {
    SetSocketOptions(socket_, options_.keep_alive);
  }

  void Start(Handler* handler) override {
    handler_ = handler;
    std::error_code error;
    socket_.native_non_blocking(true, error);
    if (error) return Finish(MakeError(ErrorCode::kStorageError, error.message()));
    EnsureReader();
  }

  void Send(OutFrame frame) override;
  void SetReading(bool on) override;
  void Close(absl::Status reason, bool flush) override;
  size_t queued_bytes() const override { return sender_.queued_bytes(); }
  size_t buffer_bytes() const override { return buffer_.capacity(); }
  const std::string& peer() const override { return peer_; }

 private:
  // kFlushing: Close(flush) was called, the queue is being sent. kDraining: it is sent, and what still comes
  // in is thrown away until the peer closes.
  enum class State { kOpen, kFlushing, kDraining, kClosed };
  enum class Read { kMore, kEmpty, kStop };

  // Coroutines own the connection through `self`; nothing else is passed into them.
  static asio::awaitable<void> ReadLoop(std::shared_ptr<TcpTransport> self);
  static asio::awaitable<void> WriteLoop(std::shared_ptr<TcpTransport> self);

  bool wants_to_read() const { return (state_ == State::kOpen && reading_) || state_ == State::kDraining; }
  bool can_write() const { return state_ == State::kOpen || state_ == State::kFlushing; }

  void Spawn(asio::awaitable<void> loop);
  void EnsureReader();
  void WriteQueued();
  FrameSender::Progress WriteTurn();
  Read ReadOnce(size_t* turn_bytes);
  Read AfterReadError(int error);
  void Deliver();
  void OnEnd();
  void ArmTrim();
  void BeginDrain();
  void StopAfter(absl::Duration delay);
  void Finish(const absl::Status& reason);
  void AfterFinish(const absl::Status& reason);

  const TcpOptions options_;
  asio::ip::tcp::socket socket_;
  const std::string peer_;
  Handler* handler_ = nullptr;
  ReceiveBuffer buffer_;
  FrameSender sender_;
  State state_ = State::kOpen;
  absl::Status close_reason_;
  std::optional<asio::steady_timer> trim_timer_;   // exists while memory may be given back
  std::optional<asio::steady_timer> close_timer_;  // exists once Close(flush) was called
  size_t wanted_ = 0;                              // what OnData asked for
  bool reading_ = true;
  bool reader_running_ = false;
  bool write_pending_ = false;  // WriteQueued is posted or WriteLoop runs
};

void TcpTransport::Spawn(asio::awaitable<void> loop) {
  asio::co_spawn(socket_.get_executor(), std::move(loop),
                 [self = shared_from_this()](const std::exception_ptr& exception) {
                   if (exception) self->Finish(MakeError(ErrorCode::kUnknown, "out of memory or a bug"));
                 });
}

void TcpTransport::EnsureReader() {
  if (reader_running_ || handler_ == nullptr || !wants_to_read()) return;
  reader_running_ = true;
  Spawn(ReadLoop(shared_from_this()));
}

// Waits before it reads: a connection that never says anything never gets a receive buffer. For the same
// reason the wait is not part of a read, which would have to hold a buffer all the time.
asio::awaitable<void> TcpTransport::ReadLoop(std::shared_ptr<TcpTransport> self) {
  Read read = Read::kEmpty;
  size_t turn_bytes = 0;
  while (self->wants_to_read()) {
    std::error_code error;
    if (read == Read::kEmpty) {
      turn_bytes = 0;
      co_await self->socket_.async_wait(asio::socket_base::wait_read,
                                        asio::redirect_error(asio::use_awaitable, error));
    } else if (turn_bytes >= kReadTurnBytes) {
      turn_bytes = 0;
      co_await asio::post(self->socket_.get_executor(), asio::use_awaitable);
    }
    if (error || !self->wants_to_read()) break;
    read = self->ReadOnce(&turn_bytes);
    self->ArmTrim();
    if (read == Read::kStop) break;
  }
  self->reader_running_ = false;
}

TcpTransport::Read TcpTransport::ReadOnce(size_t* turn_bytes) {
  const absl::Span<char> space = buffer_.Prepare(wanted_);
  if (space.empty()) {
    Finish(MakeError(
        ErrorCode::kFrameTooLarge,
        absl::StrCat("a frame does not fit into the receive buffer of ", buffer_.size(), " bytes")));
    return Read::kStop;
  }
  const ssize_t received = ::recv(socket_.native_handle(), space.data(), space.size(), 0);
  if (received < 0) return AfterReadError(errno);
  if (received == 0) {
    OnEnd();
    return Read::kStop;
  }
  *turn_bytes += static_cast<size_t>(received);
  if (state_ == State::kDraining) return Read::kMore;
  buffer_.Commit(static_cast<size_t>(received));
  if (buffer_.size() >= wanted_) Deliver();
  return static_cast<size_t>(received) < space.size() ? Read::kEmpty : Read::kMore;
}

TcpTransport::Read TcpTransport::AfterReadError(int error) {
  if (error == EAGAIN || error == EWOULDBLOCK) return Read::kEmpty;
  if (error == EINTR) return Read::kMore;
  if (state_ == State::kDraining) {
    Finish(close_reason_);
  } else {
    Finish(MakeError(ErrorCode::kUnavailable, absl::StrCat("receiving from ", peer_, " failed: ",
                                                           std::system_category().message(error))));
  }
  return Read::kStop;
}

void TcpTransport::OnEnd() {
  if (state_ == State::kDraining) return Finish(close_reason_);
  if (buffer_.size() == 0) return Finish(absl::OkStatus());
  Finish(
      MakeError(ErrorCode::kInvalidRequest,
                absl::StrCat("the peer closed in the middle of a frame, after ", buffer_.size(), " bytes")));
}

// Offers what is buffered until the handler wants more than there is.
void TcpTransport::Deliver() {
  while (state_ == State::kOpen && reading_ && buffer_.size() > 0) {
    const ReadResult result = handler_->OnData(buffer_.data());
    buffer_.Consume(result.consumed);
    wanted_ = result.wanted;
    if (result.consumed == 0 || buffer_.size() < wanted_) break;
  }
  // What is left is offered on resuming, however much the handler asked for.
  if (!reading_) wanted_ = 0;
}

void TcpTransport::SetReading(bool on) {
  if (reading_ == on) return;
  reading_ = on;
  if (!on) return;
  if (buffer_.size() > 0) {
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      self->Deliver();
      self->EnsureReader();
    });
  } else {
    EnsureReader();
  }
}

void TcpTransport::Send(OutFrame frame) {
  if (state_ != State::kOpen) {
    if (frame.on_released) std::move(frame.on_released)();
    return;
  }
  sender_.Add(std::move(frame));
  if (write_pending_) return;
  write_pending_ = true;
  // Posted, so that all frames queued in this turn of the loop leave in one write.
  asio::post(socket_.get_executor(), [self = shared_from_this()] { self->WriteQueued(); });
}

// The usual case, in which the socket takes everything at once, needs no coroutine.
void TcpTransport::WriteQueued() {
  const FrameSender::Progress progress = WriteTurn();
  if (progress == FrameSender::Progress::kBlocked || progress == FrameSender::Progress::kYield) {
    Spawn(WriteLoop(shared_from_this()));
  }
}

asio::awaitable<void> TcpTransport::WriteLoop(std::shared_ptr<TcpTransport> self) {
  FrameSender::Progress progress = FrameSender::Progress::kBlocked;
  while (progress == FrameSender::Progress::kBlocked || progress == FrameSender::Progress::kYield) {
    std::error_code error;
    if (progress == FrameSender::Progress::kBlocked) {
      co_await self->socket_.async_wait(asio::socket_base::wait_write,
                                        asio::redirect_error(asio::use_awaitable, error));
    } else {
      co_await asio::post(self->socket_.get_executor(), asio::use_awaitable);
    }
    if (error) co_return;
    progress = self->WriteTurn();
  }
}

FrameSender::Progress TcpTransport::WriteTurn() {
  if (!can_write()) return FrameSender::Progress::kFailed;
  const FrameSender::Progress progress = sender_.Turn(socket_.native_handle());
  const bool drained = progress == FrameSender::Progress::kDrained;
  if (drained) write_pending_ = false;
  sender_.RunReleased();
  if (!can_write()) return FrameSender::Progress::kFailed;  // closed by an on_released
  if (progress == FrameSender::Progress::kFailed) {
    Finish(state_ == State::kFlushing ? close_reason_ : sender_.status());
  } else if (drained && !write_pending_ && state_ == State::kFlushing) {
    BeginDrain();
  }
  return progress;
}

void TcpTransport::ArmTrim() {
  if (trim_timer_.has_value() || state_ == State::kClosed || buffer_.capacity() == 0) return;
  trim_timer_.emplace(socket_.get_executor(), absl::ToChronoNanoseconds(options_.trim_period));
  trim_timer_->async_wait([self = shared_from_this()](const std::error_code& error) {
    self->trim_timer_.reset();
    if (!error && self->buffer_.Trim()) self->ArmTrim();
  });
}

void TcpTransport::Close(absl::Status reason, bool flush) {
  if (state_ == State::kClosed) return;
  if (state_ == State::kOpen) close_reason_ = std::move(reason);
  if (!flush) return Finish(close_reason_);
  if (state_ != State::kOpen) return;
  state_ = State::kFlushing;
  StopAfter(options_.flush_deadline);
  if (!write_pending_) BeginDrain();
}

// Closing a socket that still has unread bytes resets the connection, and the reset may overtake the last
// frames on their way to the peer. So only the sending half is closed, and what still comes is read and
// dropped until the peer closes too, or for kDrainMax.
void TcpTransport::BeginDrain() {
  state_ = State::kDraining;
  std::error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  buffer_.Consume(buffer_.size());
  wanted_ = 0;
  StopAfter(std::min(kDrainMax, options_.flush_deadline));
  EnsureReader();
}

void TcpTransport::StopAfter(absl::Duration delay) {
  close_timer_.emplace(socket_.get_executor(), absl::ToChronoNanoseconds(delay));
  close_timer_->async_wait([self = shared_from_this()](const std::error_code& error) {
    if (!error) self->Finish(self->close_reason_);
  });
}

void TcpTransport::Finish(const absl::Status& reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  std::error_code ignored;
  socket_.close(ignored);
  if (trim_timer_.has_value()) trim_timer_->cancel();
  if (close_timer_.has_value()) close_timer_->cancel();
  asio::post(socket_.get_executor(), [self = shared_from_this(), reason] { self->AfterFinish(reason); });
}

void TcpTransport::AfterFinish(const absl::Status& reason) {
  sender_.ReleaseAll();
  if (handler_ != nullptr) handler_->OnClosed(reason);
}

}  // namespace

std::shared_ptr<Transport> NewTcpTransport(asio::ip::tcp::socket socket, const TcpOptions& options) {
  return std::make_shared<TcpTransport>(std::move(socket), options);
}

}  // namespace leat
