#include "broker/handlers/pending_produce.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/lane.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"
#include "storage/meta/setting_text.h"

namespace leat {

PendingProduce::PendingProduce(Responder responder, absl::Duration timeout)
    : responder_(std::move(responder)), lane_(responder_.lane()), timeout_(timeout) {
  reply_.mutable_produce();
}

void PendingProduce::AddError(const absl::Status& status) {
  wire::ProduceResult* result = reply_.mutable_produce()->add_results();
  result->set_base_offset(-1);
  ToWire(status, result->mutable_error());
  responder_.broker().metrics().CountError(CodeOf(status));
}

wire::ProduceResult* PendingProduce::NewResult(const AppendResult& appended) {
  wire::ProduceResult* result = reply_.mutable_produce()->add_results();
  result->set_base_offset(appended.base_offset);
  result->set_log_start_offset(appended.marks.log_start);
  // The end right behind this batch: what others appended later may not be durable yet (R8).
  result->set_end_offset(appended.next_offset);
  return result;
}

void PendingProduce::AddWritten(const AppendResult& appended, bool provisional) {
  wire::ProduceResult* result = NewResult(appended);
  result->set_level(wire::ACK_WRITTEN);
  result->set_provisional(provisional);
}

void PendingProduce::AddDurable(std::shared_ptr<PartitionLog> log, const AppendResult& appended) {
  NewResult(appended)->set_level(wire::ACK_DURABLE);
  const auto index = static_cast<uint32_t>(reply_.produce().results_size() - 1);
  waiting_.push_back({std::move(log), appended.next_offset, index, false});
}

void PendingProduce::Start() {
  left_ = waiting_.size();
  const std::shared_ptr<PendingProduce> self = shared_from_this();
  // Registered first and looked at afterwards, see Lane.
  for (uint32_t i = 0; i < waiting_.size(); ++i) {
    lane_.WaitForAck(waiting_[i].log->id(), waiting_[i].next_offset, self, i);
  }
  for (uint32_t i = 0; i < waiting_.size(); ++i) {
    const Waiting& waiting = waiting_[i];
    const absl::Status failed = waiting.log->commit_status();
    if (waiting.log->marks().durable < waiting.next_offset && failed.ok()) continue;
    lane_.ForgetAck(waiting.log->id(), waiting.next_offset);
    OnAck(i, waiting.log->marks().durable < waiting.next_offset ? failed : absl::OkStatus());
  }
  if (left_ == 0) return Reply();
  deadline_ = lane_.deadlines().Add(responder_.started() + timeout_, [self] { self->OnTimeout(); });
}

void PendingProduce::OnAck(uint32_t index, const absl::Status& status) {
  Waiting& waiting = waiting_[index];
  if (std::exchange(waiting.done, true)) return;
  if (!status.ok()) {
    wire::ProduceResult* result = reply_.mutable_produce()->mutable_results(static_cast<int>(waiting.index));
    result->set_level(wire::ACK_WRITTEN);
    result->set_provisional(true);
    ToWire(status, result->mutable_error());
    responder_.broker().metrics().CountError(CodeOf(status));
  }
  if (--left_ == 0) Reply();
}

void PendingProduce::Reply() {
  if (responder_.answered()) return;
  lane_.deadlines().Drop(deadline_);
  responder_.Send(reply_);
}

void PendingProduce::OnTimeout() {
  if (responder_.answered()) return;
  responder_.broker().metrics().produce_timeouts.Add();
  for (uint32_t i = 0; i < waiting_.size(); ++i) {
    const Waiting& waiting = waiting_[i];
    if (waiting.done) continue;
    lane_.ForgetAck(waiting.log->id(), waiting.next_offset);
    OnAck(i, MakeError(ErrorCode::kTimedOut,
                       absl::StrCat("the batch was written but not durable within ",
                                    FormatMilliseconds(absl::ToInt64Milliseconds(timeout_)),
                                    "; the outcome is unknown: it may still become durable")));
  }
}

}  // namespace leat
