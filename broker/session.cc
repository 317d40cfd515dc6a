#include "broker/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/lane.h"
#include "broker/request_table.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"
#include "storage/meta/setting_text.h"

namespace leat {
namespace {

// What a request costs besides its bytes while it is in flight.
constexpr size_t kRequestOverheadBytes = 512;
// And each of its entries: about what it takes parsed, as a waiter in its list, and in the reply.
constexpr size_t kEntryOverheadBytes = 512;
// A header whose parsed form took more than this is not kept for the next request.
constexpr size_t kHeaderKeepBytes = 64 * 1024;
// Refused connections that may linger until their error has been read.
constexpr int64_t kRefusedMax = 256;

absl::Status UnknownRequest() {
  return MakeError(ErrorCode::kInvalidRequest,
                   absl::StrCat("unknown request: this broker speaks protocol versions ", kProtocolVersionMin,
                                " to ", kProtocolVersionMax));
}

absl::Status CheckEntries(const Config& config, int entries) {
  if (entries <= config.partitions_per_request_max) return absl::OkStatus();
  return MakeError(ErrorCode::kLimitExceeded,
                   absl::StrCat("the request has ", entries, " entries; partitions_per_request_max is ",
                                config.partitions_per_request_max));
}

absl::Status HelloFirst() {
  return MakeError(ErrorCode::kNotReady, "the first request of a connection must be Hello");
}

// A hint for those who sent something else than Leat's protocol to this port.
absl::string_view GuessProtocol(absl::string_view bytes) {
  if (bytes.substr(0, 4) == "GET " || bytes.substr(0, 5) == "POST " || bytes.substr(0, 5) == "HEAD ") {
    return " (this looks like HTTP)";
  }
  if (bytes.size() >= 2 && bytes[0] == 0x16 && bytes[1] == 0x03) return " (this looks like TLS)";
  return "";
}

}  // namespace

// The decoder's error with what it cannot know: the name of the limit that was met.
absl::Status Session::Explain(const absl::Status& status, absl::string_view bytes) const {
  const absl::string_view limit = CodeOf(status) != ErrorCode::kFrameTooLarge ? ""
                                  : ready_                                    ? ": frame_bytes_max"
                                                                              : ": hello_bytes_max";
  return MakeError(CodeOf(status), absl::StrCat(status.message(), limit, GuessProtocol(bytes)));
}

Session::Session(Broker& broker, Lane& lane, std::shared_ptr<Transport> transport)
    : broker_(broker),
      lane_(lane),
      transport_(std::move(transport)),
      started_at_(lane.clock().Monotonic()),
      active_at_(started_at_) {}

void Session::Start() {
  broker_.metrics().connections_open.Add();
  number_ = lane_.Add(shared_from_this());
  ArmDeadline();
  transport_->Start(this);
}

void Session::Refuse(const absl::Status& status) {
  refused_ = true;
  number_ = lane_.Add(shared_from_this());
  Count& lingering = broker_.metrics().connections_refused_open;
  lingering.Add();
  broker_.metrics().CountError(CodeOf(status));
  transport_->Start(this);
  const bool say_why = lingering.value() <= kRefusedMax;
  if (say_why) SendError(0, status);
  close_reason_ = CloseReason::kRefused;
  closing_ = true;
  transport_->Close(status, say_why);
}

Transport::ReadResult Session::OnData(absl::Span<char> data) {
  const std::shared_ptr<Session> self = shared_from_this();
  active_at_ = lane_.clock().Monotonic();
  const auto frame_max = [this] {
    const Config& config = broker_.config();
    return static_cast<size_t>(ready_ ? config.frame_bytes_max : config.hello_bytes_max);
  };
  Transport::ReadResult result;
  bool partial = false;
  while (!closing_ && pauses_ == 0 && result.consumed < data.size()) {
    const absl::Span<char> rest = data.subspan(result.consumed);
    absl::StatusOr<DecodedFrame> decoded = DecodeFrame(rest, frame_max());
    if (!decoded.ok()) {
      BadFrame(Explain(decoded.status(), absl::string_view(rest.data(), rest.size())));
      break;
    }
    if (!decoded->complete) {
      partial = true;
      result.wanted = NextWanted(decoded->total_bytes, rest.size());
      break;
    }
    result.consumed += decoded->total_bytes;
    HandleFrame(*decoded);
    CheckLimits();
  }
  if (closing_) return {data.size(), 0};
  frame_bytes_ = data.size() - result.consumed;
  NotePartialFrame(partial, result.consumed > 0);
  CheckMemory();
  if (partial && pauses_ == 0) {
    // What the transport may now gather counts before it has come.
    frame_bytes_ = result.wanted;
    UpdateCharge();
  }
  return result;
}

void Session::HandleFrame(const DecodedFrame& decoded) {
  Metrics& metrics = broker_.metrics();
  metrics.frames_in.Add();
  metrics.bytes_in.Add(static_cast<int64_t>(decoded.total_bytes));
  wire::RequestHeader& header = lane_.request_header();
  const absl::string_view bytes = decoded.frame.header;
  if (!header.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return BadFrame(MakeError(ErrorCode::kInvalidRequest, "the header of a frame cannot be decoded"));
  }
  Dispatch(header, decoded);
  if (bytes.size() > kHeaderKeepBytes / 4 || header.SpaceUsedLong() > kHeaderKeepBytes) {
    wire::RequestHeader().Swap(&header);
  }
}

void Session::Dispatch(const wire::RequestHeader& header, const DecodedFrame& decoded) {
  const RequestKind kind = header.request_case();
  if (!ready_ && kind != RequestKind::kHello) {
    SendError(header.correlation_id(), HelloFirst());
    return Close(CloseReason::kHello, HelloFirst());
  }
  const RequestRow* row = FindRequest(kind);
  const int entries = row == nullptr || row->count_entries == nullptr ? 0 : row->count_entries(header);
  const absl::Status too_many = CheckEntries(broker_.config(), entries);
  const size_t entry_bytes = too_many.ok() ? static_cast<size_t>(entries) * kEntryOverheadBytes : 0;
  const Responder::Tag tag{header.correlation_id(), kind,
                           decoded.total_bytes + kRequestOverheadBytes + entry_bytes, active_at_};
  ++requests_in_flight_;
  request_bytes_ += tag.bytes;
  broker_.metrics().requests_in_flight.Add();
  Request request{Responder(shared_from_this(), tag), header, decoded.frame.payload};
  if (kind == RequestKind::kProduce && header.produce().ack() == wire::ACK_NONE) request.responder.Silence();

  if (row == nullptr) return request.responder.Fail(UnknownRequest());
  broker_.metrics().requests[static_cast<size_t>(kind)].Add();
  if (draining_) {
    return request.responder.Fail(
        MakeError(ErrorCode::kShuttingDown, "the broker is stopping; try again later"));
  }
  if (!row->takes_payload && !decoded.frame.payload.empty()) {
    return request.responder.Fail(
        MakeError(ErrorCode::kInvalidRequest, absl::StrCat("a ", row->name, " request carries no payload")));
  }
  if (!too_many.ok()) return request.responder.Fail(too_many);
  row->handler(request);
}

void Session::BadFrame(const absl::Status& status) {
  broker_.metrics().bad_frames.Add();
  broker_.metrics().CountError(CodeOf(status));
  SendError(0, status);
  Close(CloseReason::kBadFrame, status);
}

void Session::SetReady(std::string client) {
  ready_ = true;
  client_ = std::move(client);
}

void Session::SendReply(wire::ResponseHeader& header, ReplyPayload payload) {
  if (closing_ || closed_) return;
  absl::StatusOr<std::string> head =
      header.ByteSizeLong() > kHeaderBytesMax
          ? MakeError(ErrorCode::kLimitExceeded,
                      absl::StrCat("the answer is larger than the ", FormatByteSize(kHeaderBytesMax),
                                   " of a frame's header: ask for fewer things"))
          : EncodeFrameHead(header, payload.bytes());
  if (!head.ok()) {
    broker_.metrics().CountError(CodeOf(head.status()));
    return SendError(header.correlation_id(), head.status());
  }
  OutFrame frame;
  frame.head = *std::move(head);
  frame.body = std::move(payload.body);
  frame.ranges = std::move(payload.ranges);
  const size_t memory_bytes = frame.memory_bytes();
  const size_t total_bytes = frame.total_bytes();
  frame.on_released = [weak = weak_from_this(), memory_bytes] {
    if (const std::shared_ptr<Session> self = weak.lock()) self->OnReleased(memory_bytes);
  };
  reply_memory_bytes_ += memory_bytes;
  queued_total_ += total_bytes;
  broker_.metrics().frames_out.Add();
  broker_.metrics().bytes_out.Add(static_cast<int64_t>(total_bytes));
  transport_->Send(std::move(frame));
  UpdateCharge();
  WatchSending();
}

void Session::SendError(uint64_t correlation_id, const absl::Status& status) {
  wire::ResponseHeader header;
  header.set_correlation_id(correlation_id);
  ToWire(status, header.mutable_error());
  SendReply(header, {});
}

void Session::Finish(const Responder::Tag& tag) {
  --requests_in_flight_;
  request_bytes_ -= tag.bytes;
  Metrics& metrics = broker_.metrics();
  metrics.requests_in_flight.Sub();
  const absl::Duration now = lane_.clock().Monotonic();
  active_at_ = now;
  Histogram& latency = tag.kind == RequestKind::kProduce ? metrics.produce_latency
                       : tag.kind == RequestKind::kFetch ? metrics.fetch_latency
                                                         : metrics.request_latency;
  latency.Record(static_cast<uint64_t>(absl::ToInt64Nanoseconds(now - tag.started)));
  if (closed_) return;
  UpdateCharge();
  CheckLimits();
  if (draining_ && requests_in_flight_ == 0) {
    Close(CloseReason::kShutdown, MakeError(ErrorCode::kShuttingDown, "the broker is stopping"));
  }
}

void Session::BeginDrain() {
  if (closing_ || closed_) return;
  draining_ = true;
  const std::map<uint64_t, std::shared_ptr<LongPoll>> polls = polls_;
  for (const auto& [number, poll] : polls) poll->FinishNow();
  if (requests_in_flight_ == 0 && !closing_) {
    Close(CloseReason::kShutdown, MakeError(ErrorCode::kShuttingDown, "the broker is stopping"));
  }
}

void Session::CloseNow(const absl::Status& reason) {
  if (!closing_) close_reason_ = CloseReason::kShutdown;
  closing_ = true;
  transport_->Close(reason, false);
}

void Session::LetGo() {
  closed_ = true;
  std::map<uint64_t, std::shared_ptr<LongPoll>> polls;
  polls.swap(polls_);
  waiting_for_room_.clear();
}

void Session::Close(CloseReason reason, const absl::Status& status) {
  if (closing_ || closed_) return;
  closing_ = true;
  close_reason_ = reason;
  if (reason != CloseReason::kShutdown && reason != CloseReason::kIdle) {
    lane_.connection_log().Warn(absl::StrCat("closed the connection of ", transport_->peer(),
                                             client_.empty() ? "" : absl::StrCat(" (", client_, ")"), ", ",
                                             CloseReasonName(reason), ": ", status.message()));
  }
  // A peer that takes nothing would not take the rest either.
  transport_->Close(status, reason != CloseReason::kSendStall);
}

void Session::OnClosed(const absl::Status& reason) {
  const std::shared_ptr<Session> self = shared_from_this();
  closed_ = true;
  const ErrorCode code = CodeOf(reason);
  if (!closing_ && (code == ErrorCode::kInvalidRequest || code == ErrorCode::kFrameTooLarge)) {
    close_reason_ = CloseReason::kBadFrame;
    broker_.metrics().bad_frames.Add();
    lane_.connection_log().Warn(
        absl::StrCat("lost the connection of ", transport_->peer(), ": ", reason.message()));
  }
  closing_ = true;
  broker_.metrics().closed[static_cast<size_t>(close_reason_)].Add();
  (refused_ ? broker_.metrics().connections_refused_open : broker_.metrics().connections_open).Sub();
  broker_.OnSessionClosed();
  lane_.deadlines().Drop(deadline_);
  std::map<uint64_t, std::shared_ptr<LongPoll>> polls;
  polls.swap(polls_);
  for (const auto& [number, poll] : polls) poll->Abandon();
  waiting_for_room_.clear();
  if (memory_ticket_ != 0) broker_.memory().CancelWait(memory_ticket_);
  ReturnPass();
  UpdateCharge();
  lane_.Remove(number_);
}

}  // namespace leat
