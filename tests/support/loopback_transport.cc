#include "tests/support/loopback_transport.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/record/error.h"
#include "tests/support/seeded_random.h"

namespace leat {
namespace {

// What is on its way to an end: bytes, or (when empty) the news that the other end has closed.
using Piece = std::optional<std::string>;

class LoopbackEnd final : public Transport, public std::enable_shared_from_this<LoopbackEnd> {
 public:
  LoopbackEnd(Executor& executor, const LoopbackOptions& options, uint64_t seed, std::string peer)
      : executor_(executor), options_(options), random_(seed), peer_(std::move(peer)) {}
  ~LoopbackEnd() override {
    ReleaseAll();
    if (state_ != State::kClosed) PostOther([](LoopbackEnd& end) { end.Arrive(std::nullopt); });
  }

  void Connect(const std::shared_ptr<LoopbackEnd>& other) { other_ = other; }

  void Start(Handler* handler) override {
    handler_ = handler;
    self_ = shared_from_this();
    PostReceive();
  }

  void Send(OutFrame frame) override;
  void SetReading(bool on) override;
  void Close(absl::Status reason, bool flush) override;
  size_t queued_bytes() const override { return queued_bytes_; }
  size_t buffer_bytes() const override { return buffer_.capacity(); }
  const std::string& peer() const override { return peer_; }

  // From the other end, each as a task of this end's executor.
  void Arrive(Piece piece);
  void Acknowledge(size_t bytes);
  void Break();

 private:
  enum class State { kOpen, kFlushing, kClosed };

  template <typename Call>
  void PostSelf(Call call) {
    executor_.Post([self = shared_from_this(), call] { call(*self); });
  }
  template <typename Call>
  void PostOther(Call call) {
    if (const std::shared_ptr<LoopbackEnd> other = other_.lock()) other->PostSelf(std::move(call));
  }

  void PostReceive() {
    PostSelf([](LoopbackEnd& end) { end.Receive(); });
  }
  void SchedulePump();
  void Pump();
  absl::StatusOr<std::string> NextPiece();
  absl::Status Flatten(OutFrame& frame);
  void Receive();
  void Deliver();
  void OnPeerClosed();
  void Finish(const absl::Status& reason);
  void ReleaseAll();

  Executor& executor_;
  const LoopbackOptions options_;
  SeededRandom random_;
  const std::string peer_;
  std::weak_ptr<LoopbackEnd> other_;
  std::shared_ptr<LoopbackEnd> self_;  // from Start until OnClosed has returned
  Handler* handler_ = nullptr;

  std::deque<OutFrame> queue_;
  absl::AnyInvocable<void() &&> released_;  // of the frame whose last piece is being sent
  size_t queued_bytes_ = 0;
  size_t front_sent_ = 0;  // bytes of queue_.front() that are on their way
  size_t in_flight_ = 0;   // sent and not yet taken by the other end
  bool pump_scheduled_ = false;

  std::deque<Piece> arrived_;  // as the kernel would hold it
  std::string buffer_;
  size_t wanted_ = 0;
  bool reading_ = true;
  State state_ = State::kOpen;
  absl::Status close_reason_;
};

void LoopbackEnd::Send(OutFrame frame) {
  if (state_ != State::kOpen) {
    if (frame.on_released) std::move(frame.on_released)();
    return;
  }
  queued_bytes_ += frame.total_bytes();
  queue_.push_back(std::move(frame));
  SchedulePump();
}

void LoopbackEnd::SchedulePump() {
  if (pump_scheduled_) return;
  pump_scheduled_ = true;
  const auto delay_us = absl::ToInt64Microseconds(options_.delay_max);
  Executor::Task pump = [self = shared_from_this()] { self->Pump(); };
  if (delay_us == 0) return executor_.Post(std::move(pump));
  executor_.PostAfter(absl::Microseconds(random_.Between(0, delay_us)), std::move(pump));
}

// Sends one piece.
void LoopbackEnd::Pump() {
  pump_scheduled_ = false;
  if (state_ == State::kClosed) return;
  if (!queue_.empty()) {
    if (in_flight_ >= options_.window_bytes) return;  // Acknowledge goes on
    absl::StatusOr<std::string> piece = NextPiece();
    if (!piece.ok()) return Finish(piece.status());
    if (!piece->empty()) {
      in_flight_ += piece->size();
      PostOther([bytes = *std::move(piece)](LoopbackEnd& end) { end.Arrive(bytes); });
    }
    if (released_) std::move(std::exchange(released_, nullptr))();
  }
  if (state_ == State::kClosed) return;  // closed by an on_released
  if (!queue_.empty()) return SchedulePump();
  if (state_ == State::kFlushing) Finish(close_reason_);
}

// Takes a piece from the front of the queue, and drops the frame when that was its last.
absl::StatusOr<std::string> LoopbackEnd::NextPiece() {
  OutFrame& frame = queue_.front();
  absl::Status flat = Flatten(frame);
  if (!flat.ok()) return flat;
  const size_t left = frame.body.size() - front_sent_;
  const size_t bytes = std::min(left, 1 + random_.Below(std::max<size_t>(1, options_.piece_bytes_max)));
  std::string piece = frame.body.substr(front_sent_, bytes);
  front_sent_ += bytes;
  queued_bytes_ -= bytes;
  if (bytes == left) {
    released_ = std::move(frame.on_released);
    queue_.pop_front();
    front_sent_ = 0;
  }
  return piece;
}

// Brings everything of `frame` into its body.
absl::Status LoopbackEnd::Flatten(OutFrame& frame) {
  if (!frame.head.empty()) frame.body.insert(0, std::exchange(frame.head, {}));
  for (const SourceRange& range : std::exchange(frame.ranges, {})) {
    std::string bytes(range.length, '\0');
    const absl::Status read = range.source->ReadAt(range.offset, absl::MakeSpan(bytes));
    if (!read.ok()) return read;
    frame.body += bytes;
  }
  return absl::OkStatus();
}

void LoopbackEnd::Acknowledge(size_t bytes) {
  in_flight_ -= std::min(in_flight_, bytes);
  if (state_ != State::kClosed && !queue_.empty()) SchedulePump();
}

void LoopbackEnd::Arrive(Piece piece) {
  if (state_ == State::kClosed) return;
  arrived_.push_back(std::move(piece));
  Receive();
}

void LoopbackEnd::Receive() {
  while (handler_ != nullptr && state_ == State::kOpen && reading_ && !arrived_.empty()) {
    if (!arrived_.front().has_value()) return OnPeerClosed();
    const std::string piece = *std::move(arrived_.front());
    arrived_.pop_front();
    PostOther([bytes = piece.size()](LoopbackEnd& end) { end.Acknowledge(bytes); });
    buffer_ += piece;
    if (buffer_.size() >= wanted_) Deliver();
    if (state_ == State::kOpen && buffer_.size() >= options_.read_buffer_bytes_max) {
      Finish(MakeError(ErrorCode::kFrameTooLarge, "a frame does not fit into the receive buffer"));
    }
  }
  if (state_ != State::kFlushing) return;
  // What arrives while the queue is flushed is dropped.
  for (const Piece& piece : std::exchange(arrived_, {})) {
    if (piece.has_value()) PostOther([bytes = piece->size()](LoopbackEnd& end) { end.Acknowledge(bytes); });
    if (!piece.has_value()) return Finish(close_reason_);
  }
}

void LoopbackEnd::Deliver() {
  while (state_ == State::kOpen && reading_ && !buffer_.empty()) {
    // A copy at its exact size, so that AddressSanitizer sees a handler that keeps or oversteps it.
    std::vector<char> offered(buffer_.begin(), buffer_.end());
    const ReadResult result = handler_->OnData(absl::MakeSpan(offered));
    buffer_.assign(offered.begin(), offered.end());
    buffer_.erase(0, result.consumed);
    wanted_ = result.wanted;
    if (result.consumed == 0 || buffer_.size() < wanted_) break;
  }
  if (!reading_) wanted_ = 0;
  if (buffer_.empty()) buffer_.shrink_to_fit();
}

void LoopbackEnd::OnPeerClosed() {
  if (buffer_.empty()) return Finish(absl::OkStatus());
  Finish(MakeError(ErrorCode::kInvalidRequest, "the peer closed in the middle of a frame"));
}

void LoopbackEnd::SetReading(bool on) {
  if (reading_ == on) return;
  reading_ = on;
  if (!on) return;
  PostSelf([](LoopbackEnd& end) {
    end.Deliver();
    end.Receive();
  });
}

void LoopbackEnd::Close(absl::Status reason, bool flush) {
  if (state_ == State::kClosed) return;
  if (state_ == State::kOpen) close_reason_ = std::move(reason);
  if (!flush) return Finish(close_reason_);
  if (state_ == State::kFlushing) return;
  state_ = State::kFlushing;
  SchedulePump();
  executor_.PostAfter(options_.flush_deadline, [weak = weak_from_this()] {
    if (const std::shared_ptr<LoopbackEnd> self = weak.lock()) self->Finish(self->close_reason_);
  });
}

void LoopbackEnd::Break() {
  Finish(state_ == State::kFlushing ? close_reason_
                                    : MakeError(ErrorCode::kUnavailable, "the network was cut"));
}

void LoopbackEnd::Finish(const absl::Status& reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  PostOther([](LoopbackEnd& end) { end.Arrive(std::nullopt); });
  executor_.Post([self = shared_from_this(), reason] {
    self->ReleaseAll();
    if (self->handler_ != nullptr) self->handler_->OnClosed(reason);
    self->self_.reset();
  });
}

void LoopbackEnd::ReleaseAll() {
  queued_bytes_ = 0;
  for (OutFrame& frame : std::exchange(queue_, {})) {
    if (frame.on_released) std::move(frame.on_released)();
  }
}

}  // namespace

Loopback NewLoopback(Executor& left, Executor& right, const LoopbackOptions& options) {
  auto left_end = std::make_shared<LoopbackEnd>(left, options, options.seed * 2, "loopback:right");
  auto right_end = std::make_shared<LoopbackEnd>(right, options, options.seed * 2 + 1, "loopback:left");
  left_end->Connect(right_end);
  right_end->Connect(left_end);
  // Posting needs no access to the state of an end: safe from any thread.
  auto cut = [&left, &right, weak_left = std::weak_ptr(left_end), weak_right = std::weak_ptr(right_end)] {
    left.Post([weak_left] {
      if (const auto end = weak_left.lock()) end->Break();
    });
    right.Post([weak_right] {
      if (const auto end = weak_right.lock()) end->Break();
    });
  };
  return Loopback{std::move(left_end), std::move(right_end), std::move(cut)};
}

}  // namespace leat
