// The half of Session that keeps the limits: when it reads, what it holds, and how long it waits.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/lane.h"
#include "broker/session.h"
#include "protocol/record/error.h"
#include "storage/meta/setting_text.h"

namespace leat {
namespace {

// Memory for a frame is asked for in steps: what has come is doubled, at least up to this.
constexpr size_t kFrameStepBytes = 256 * 1024;
// Who holds no more than this is not stopped for the memory of others.
constexpr int64_t kMemoryFreeBytes = 64 * 1024;

absl::Duration Ms(int64_t milliseconds) { return absl::Milliseconds(milliseconds); }

}  // namespace

size_t Session::NextWanted(size_t frame_bytes, size_t at_hand) const {
  const size_t step = broker_.memory().over() ? static_cast<size_t>(kMemoryFreeBytes) : kFrameStepBytes;
  return std::min(frame_bytes, std::max(step, 2 * at_hand));
}

void Session::NotePartialFrame(bool partial, bool is_new) {
  if (!partial) {
    frame_started_at_ = absl::InfiniteDuration();
    ReturnPass();
    return;
  }
  if (is_new || frame_started_at_ == absl::InfiniteDuration()) frame_started_at_ = active_at_;
  ArmDeadline();
}

void Session::SetHandlerPause(bool paused) { SetPause(kHandler, paused); }

void Session::SetPause(Pause why, bool on) {
  const unsigned before = pauses_;
  pauses_ = on ? pauses_ | why : pauses_ & ~static_cast<unsigned>(why);
  if (pauses_ == before || closing_ || closed_) return;
  if (on) {
    ReturnPass();  // of no use to a session that does not read
    Metrics& metrics = broker_.metrics();
    if (why == kConnectionLimit) metrics.paused_by_connection_limit.Add();
    if (why == kSendQueue) metrics.paused_by_send_queue.Add();
    if (why == kMemory) metrics.paused_by_memory.Add();
  }
  if ((before == 0) == (pauses_ == 0)) return;
  // The time in which we do not read is not the peer's.
  if (pauses_ == 0 && frame_started_at_ != absl::InfiniteDuration()) {
    frame_started_at_ = lane_.clock().Monotonic();
    ArmDeadline();
  }
  transport_->SetReading(pauses_ == 0);
}

void Session::CheckLimits() {
  const Config& config = broker_.config();
  SetPause(kConnectionLimit, request_bytes_ > static_cast<size_t>(config.connection_bytes_in_flight_max));
  SetPause(kSendQueue, !HasSendRoom());
}

bool Session::HasSendRoom() const {
  return transport_->queued_bytes() < static_cast<size_t>(broker_.config().send_queue_bytes_max);
}

void Session::UpdateCharge() {
  const size_t held = closed_ ? 0 : frame_bytes_ + request_bytes_ + reply_memory_bytes_;
  const int64_t change = static_cast<int64_t>(held) - charged_;
  charged_ += change;
  const int64_t replies = closed_ ? 0 : static_cast<int64_t>(reply_memory_bytes_);
  broker_.memory().ChargeReplies(replies - std::exchange(charged_replies_, replies));
  broker_.memory().Charge(change);
}

void Session::CheckMemory() {
  UpdateCharge();
  MemoryBudget& memory = broker_.memory();
  if (!memory.over() || charged_ <= kMemoryFreeBytes || has_pass_ || closing_ || (pauses_ & kMemory) != 0)
    return;
  // Not with what is only left over because we do not read.
  if (frame_bytes_ > 0 && pauses_ == 0 && memory.TakePass()) {
    has_pass_ = true;
    return;
  }
  SetPause(kMemory, true);
  memory_ticket_ =
      memory.Wait([weak = weak_from_this(), &memory, &executor = lane_.executor()](bool with_pass) {
        executor.Post([weak, &memory, with_pass] {
          if (const std::shared_ptr<Session> self = weak.lock()) {
            self->OnMemoryWake(with_pass);
          } else if (with_pass) {
            memory.ReturnPass();
          }
        });
      });
  // What was given back before we waited did not wake us.
  if (!memory.over() && memory.CancelWait(memory_ticket_)) OnMemoryWake(false);
}

void Session::OnMemoryWake(bool with_pass) {
  memory_ticket_ = 0;
  if (with_pass) has_pass_ = true;
  if (closed_ || frame_bytes_ == 0 || (pauses_ & ~kMemory) != 0) ReturnPass();
  SetPause(kMemory, false);
}

void Session::ReturnPass() {
  if (std::exchange(has_pass_, false)) broker_.memory().ReturnPass();
}

void Session::OnReleased(size_t memory_bytes) {
  reply_memory_bytes_ -= memory_bytes;
  if (closed_) return;
  UpdateCharge();
  CheckLimits();
  // Not from inside the transport: a task may send.
  if (!waiting_for_room_.empty() && HasSendRoom()) {
    lane_.executor().Post([self = shared_from_this()] { self->RunWaitingForRoom(); });
  }
}

void Session::RunWaitingForRoom() {
  while (!closing_ && !waiting_for_room_.empty() && HasSendRoom()) {
    absl::AnyInvocable<void()&&> task = std::move(waiting_for_room_.front());
    waiting_for_room_.pop_front();
    std::move(task)();
  }
}

void Session::AddPoll(uint64_t number, std::shared_ptr<LongPoll> poll) {
  polls_.emplace(number, std::move(poll));
}

void Session::WatchSending() {
  if (sent_seen_at_ != absl::InfiniteDuration() || transport_->queued_bytes() == 0) return;
  sent_seen_ = queued_total_ - transport_->queued_bytes();
  sent_seen_at_ = lane_.clock().Monotonic();
  ArmDeadline();
}

bool Session::IsIdle() const {
  return requests_in_flight_ == 0 && frame_started_at_ == absl::InfiniteDuration() &&
         transport_->queued_bytes() == 0;
}

absl::Duration Session::NextDeadline() const {
  const Config& config = broker_.config();
  absl::Duration next = absl::InfiniteDuration();
  if (!ready_) next = started_at_ + Ms(config.hello_timeout_ms);
  if (pauses_ == 0) next = std::min(next, frame_started_at_ + Ms(config.frame_timeout_ms));
  next = std::min(next, sent_seen_at_ + Ms(config.send_stall_ms));
  if (config.idle_ms_max > 0) next = std::min(next, active_at_ + Ms(config.idle_ms_max));
  return next;
}

// A deadline is only ever moved to an earlier time; one that has become later is found out when it fires.
void Session::ArmDeadline() {
  const absl::Duration next = NextDeadline();
  if (next >= deadline_.first || closed_) return;
  lane_.deadlines().Drop(deadline_);
  deadline_ = lane_.deadlines().Add(next, [weak = weak_from_this()] {
    if (const std::shared_ptr<Session> self = weak.lock()) self->OnDeadline();
  });
}

void Session::OnDeadline() {
  deadline_ = {absl::InfiniteDuration(), 0};
  if (closing_ || closed_) return;
  const Config& config = broker_.config();
  const absl::Duration now = lane_.clock().Monotonic();
  const auto timed_out = [&](CloseReason reason, absl::string_view what, absl::string_view setting,
                             int64_t limit_ms) {
    const absl::Status status =
        MakeError(ErrorCode::kLimitExceeded,
                  absl::StrCat(what, " within ", setting, " (", FormatMilliseconds(limit_ms), ")"));
    if (reason != CloseReason::kSendStall && reason != CloseReason::kIdle) SendError(0, status);
    Close(reason, status);
  };
  if (!ready_ && now >= started_at_ + Ms(config.hello_timeout_ms)) {
    return timed_out(CloseReason::kHelloTimeout, "no Hello came", "hello_timeout_ms",
                     config.hello_timeout_ms);
  }
  if (pauses_ == 0 && now >= frame_started_at_ + Ms(config.frame_timeout_ms)) {
    return timed_out(CloseReason::kFrameTimeout, "a frame was not complete", "frame_timeout_ms",
                     config.frame_timeout_ms);
  }
  const size_t queued = transport_->queued_bytes();
  if (queued == 0) {
    sent_seen_at_ = absl::InfiniteDuration();
  } else if (const uint64_t sent = queued_total_ - queued; sent != sent_seen_) {
    sent_seen_ = sent;
    sent_seen_at_ = now;
  } else if (now >= sent_seen_at_ + Ms(config.send_stall_ms)) {
    return timed_out(CloseReason::kSendStall, "the peer took nothing of its replies", "send_stall_ms",
                     config.send_stall_ms);
  }
  if (!IsIdle()) {
    active_at_ = now;
  } else if (config.idle_ms_max > 0 && now >= active_at_ + Ms(config.idle_ms_max)) {
    return timed_out(CloseReason::kIdle, "no request came", "idle_ms_max", config.idle_ms_max);
  }
  ArmDeadline();
}

}  // namespace leat
