#include "client/internal/produce_sender.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "client/internal/wire_convert.h"
#include "client/retry_policy.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"
#include "protocol/wire/frame.h"

namespace leat {
namespace {

// A request is closed at this size, and none is begun while the network has this much to take: what waits
// longer grows into larger batches.
constexpr size_t kRequestBytes = 1024 * 1024;
constexpr size_t kQueuedBytesMax = 2 * 1024 * 1024;
// Of a request's frame, for its header.
constexpr size_t kHeaderRoom = 64 * 1024;
constexpr size_t kPartitionsPerRequest = 256;

// The broker, or the client itself, surely stored nothing.
bool IsRefusal(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kFrameTooLarge:
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kUnknownTopic:
    case ErrorCode::kUnknownPartition:
    case ErrorCode::kInvalidTopicName:
    case ErrorCode::kCorruptBatch:
    case ErrorCode::kInvalidBatch:
    case ErrorCode::kBatchTooLarge:
    case ErrorCode::kInvalidTimestamp:
    case ErrorCode::kUnsupportedCodec:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool ProduceSender::ConnectionIsFree() const {
  if (in_flight_ == 0) return true;
  return in_flight_ < producer_.options().requests_in_flight_max &&
         client_.link().queued_bytes() < kQueuedBytesMax;
}

void ProduceSender::Turn() {
  if (stopped_) return;
  if (in_turn_) return producer_.PostTurn();
  in_turn_ = true;
  for (const std::shared_ptr<SendBatch>& batch : producer_.BeginTurn(MonotonicNow())) {
    batch->Fail(ExpiredError(*batch));
  }
  SendDepartures();
  in_turn_ = false;
  if (stopped_) return;
  if (!client_.link().ready() && producer_.HasDepartures()) AwaitConnection();
  SetTimer();
}

absl::Status ProduceSender::ExpiredError(const SendBatch& batch) const {
  if (batch.sealed()) {
    return MakeError(
        ErrorCode::kTimedOut,
        absl::StrCat("not acknowledged within delivery_timeout, the record may or may not be stored; "
                     "the last attempt failed: ",
                     batch.retry.last_error.message()));
  }
  const absl::Status& connection = client_.link().last_error();
  return MakeError(ErrorCode::kTimedOut, absl::StrCat("not sent within delivery_timeout",
                                                      connection.ok() ? "" : ": ", connection.message()));
}

void ProduceSender::SendDepartures() {
  // A link that is shut down for good fails the requests at once, with the reason.
  while (!stopped_ && (client_.link().ready() || client_.link().shut_down()) && ConnectionIsFree()) {
    const wire::Limits& limits = client_.link().limits();
    size_t bytes = kRequestBytes;
    if (limits.frame_bytes_max() > 2 * kHeaderRoom) {
      bytes = std::min<size_t>(bytes, limits.frame_bytes_max() - kHeaderRoom);
    }
    size_t count = kPartitionsPerRequest;
    if (limits.partitions_per_request_max() != 0) {
      count = std::min<size_t>(count, limits.partitions_per_request_max());
    }
    Departures departures = producer_.TakeDepartures(bytes, count);
    if (departures.empty()) break;
    SendRequest(std::move(departures));
  }
}

void ProduceSender::Stop() {
  stopped_ = true;
  client_.timers().Cancel(timer_);
}

void ProduceSender::SetTimer() {
  const MonotonicTime next = producer_.NextEvent();
  if (timer_ != TimerQueue::kNone && timer_.first <= next) return;  // it comes early enough
  client_.timers().Cancel(timer_);
  timer_ = client_.timers().Add(next, [this, producer = producer_.shared_from_this()] {
    timer_ = TimerQueue::kNone;
    Turn();
  });
}

void ProduceSender::AwaitConnection() {
  if (awaiting_) return;
  awaiting_ = true;
  client_.link().WhenReady([this, producer = producer_.shared_from_this()](const absl::Status& status) {
    awaiting_ = false;
    if (stopped_) return;
    if (status.ok() || client_.link().shut_down()) {
      Turn();
    } else {
      AwaitConnection();
    }
  });
}

// False when the batch can never be sent; it is settled then.
bool ProduceSender::Prepare(PartitionQueue& queue, SendBatch& batch) {
  absl::Status status;
  if (!batch.sealed()) {
    status = batch.Seal(producer_.producer_id(), queue.epoch, queue.next_sequence);
    if (status.ok()) {
      // Sequences count records and wrap around at 2^31.
      queue.next_sequence = static_cast<int32_t>(
          (static_cast<uint32_t>(queue.next_sequence) + static_cast<uint32_t>(batch.record_count())) &
          0x7fffffff);
    }
  }
  // What is too large for the topic only the broker knows.
  const uint64_t limit = client_.link().limits().frame_bytes_max();
  if (status.ok() && limit > kHeaderRoom && batch.encoded().size() > limit - kHeaderRoom) {
    status =
        MakeError(ErrorCode::kBatchTooLarge,
                  absl::StrCat("a batch of ", batch.record_count(), " records has ", batch.encoded().size(),
                               " bytes, the broker takes frames of ", limit, "; send smaller records"));
  }
  if (status.ok()) return true;
  SettleFailure(queue, batch, status);
  return false;
}

void ProduceSender::SendRequest(Departures departures) {
  std::erase_if(departures, [this](const auto& each) { return !Prepare(*each.first, *each.second); });
  if (departures.empty()) return;
  const ProducerOptions& options = producer_.options();
  LinkRequest request;
  request.reply_timeout = client_.options().request_timeout + options.ack_timeout;
  request.deadline = MonotonicTime::min();
  wire::ProduceRequest* body = request.header.mutable_produce();
  body->set_ack(ToWire(options.acks));
  body->set_timeout_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(options.ack_timeout)));
  size_t bytes = 0;
  for (const auto& [queue, batch] : departures) bytes += batch->encoded().size();
  request.payload.reserve(bytes);
  for (const auto& [queue, batch] : departures) {
    wire::ProducePartition* entry = body->add_partitions();
    entry->set_topic(batch->topic());
    entry->set_partition(static_cast<uint32_t>(batch->partition()));
    entry->set_batch_bytes(static_cast<uint32_t>(batch->encoded().size()));
    request.payload += batch->encoded();
    request.deadline = std::max(request.deadline, batch->retry.deadline);
  }
  ++in_flight_;
  auto self = producer_.shared_from_this();
  if (options.acks == Acks::kNone) {
    client_.link().Send(std::move(request), [this, self, departures = std::move(departures)](
                                                const absl::Status& status) { OnSent(departures, status); });
  } else {
    client_.link().Call(std::move(request),
                        [this, self, departures = std::move(departures)](absl::StatusOr<LinkReply> reply) {
                          OnReply(departures, std::move(reply));
                        });
  }
}

void ProduceSender::OnSent(const Departures& departures, const absl::Status& status) {
  --in_flight_;
  for (const auto& [queue, batch] : departures) {
    if (!status.ok()) {
      SettleFailure(*queue, *batch, status);
    } else if (producer_.SettleDone(*queue, *batch, true)) {
      batch->Succeed(-1, Acks::kNone, true);
    }
  }
  producer_.PostTurn();
}

void ProduceSender::OnReply(const Departures& departures, absl::StatusOr<LinkReply> reply) {
  --in_flight_;
  absl::Status error = reply.status();
  if (error.ok() && static_cast<size_t>(reply->header.produce().results_size()) != departures.size()) {
    error = MakeError(ErrorCode::kUnknown, "the broker's reply does not fit the request");
  }
  for (size_t i = 0; i < departures.size(); ++i) {
    const auto& [queue, batch] = departures[i];
    if (error.ok()) {
      Settle(*queue, *batch, reply->header.produce().results(static_cast<int>(i)));
    } else {
      SettleFailure(*queue, *batch, error);
    }
  }
  Turn();
}

void ProduceSender::Settle(PartitionQueue& queue, SendBatch& batch, const wire::ProduceResult& result) {
  absl::Status error = FromWire(result.error());
  if (error.ok() && result.base_offset() > std::numeric_limits<Offset>::max() - batch.record_count()) {
    error = MakeError(ErrorCode::kUnknown, "the broker's reply gives an impossible offset");
  }
  if (!error.ok()) return SettleFailure(queue, batch, error);
  if (!producer_.SettleDone(queue, batch, true)) return;
  batch.Succeed(result.base_offset(), FromWire(result.level()), result.provisional());
}

void ProduceSender::SettleFailure(PartitionQueue& queue, SendBatch& batch, const absl::Status& error) {
  const RetryAction action =
      AfterFailure(client_.options().retry, batch.retry, error, MonotonicNow(), client_.random());
  if (action.retry && !stopped_) {
    producer_.SettleRetry(queue, batch, action.at);
    return;
  }
  const ErrorCode code = CodeOf(error);
  if (batch.sealed()) {
    if (batch.retry.failures == 1 && IsRefusal(code)) {
      queue.next_sequence = batch.base_sequence();
    } else {
      queue.NextEpoch();
    }
  }
  const bool too_large = code == ErrorCode::kBatchTooLarge;
  if (!stopped_ && (too_large || code == ErrorCode::kInvalidTimestamp) &&
      producer_.SettleSplit(queue, batch, too_large)) {
    return;
  }
  if (code == ErrorCode::kUnknownTopic || code == ErrorCode::kUnknownPartition)
    producer_.MarkStale(batch.topic());
  if (producer_.SettleDone(queue, batch, false))
    batch.Fail(action.retry ? ClientClosedError() : action.error);
}

}  // namespace leat
