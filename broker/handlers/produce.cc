#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/handlers/auto_create.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/pending_produce.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/request_table.h"
#include "broker/session.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

absl::Status CheckRequest(const wire::ProduceRequest& produce, size_t payload_bytes) {
  if (produce.partitions_size() == 0) {
    return MakeError(ErrorCode::kInvalidRequest, "a produce request needs at least one partition");
  }
  if (!wire::AckLevel_IsValid(produce.ack())) {
    return MakeError(ErrorCode::kInvalidRequest, absl::StrCat("unknown ack level ", produce.ack()));
  }
  uint64_t total = 0;
  for (const wire::ProducePartition& entry : produce.partitions()) total += entry.batch_bytes();
  if (total == payload_bytes) return absl::OkStatus();
  return MakeError(ErrorCode::kInvalidRequest, absl::StrCat("the batches of the request add up to ", total,
                                                            " bytes, its payload has ", payload_bytes));
}

ValidationOptions ValidationOf(const TopicConfig& config, int64_t now_ms) {
  ValidationOptions options;
  options.batch_bytes_max = static_cast<size_t>(config.batch_bytes_max);
  options.validation = config.validation;
  if (config.timestamp_before_max_ms >= 0) {
    options.timestamp_min_ms = std::max<int64_t>(0, now_ms - config.timestamp_before_max_ms);
  }
  if (config.timestamp_after_max_ms >= 0) options.timestamp_max_ms = now_ms + config.timestamp_after_max_ms;
  return options;
}

// Appends the batches of one request in its order.
class Appender {
 public:
  Appender(Broker& broker, wire::AckLevel ack, PendingProduce& pending)
      : broker_(broker),
        ack_(ack),
        pending_(pending),
        finder_(broker.store()),
        now_ms_(broker.clock().WallMs()) {}

  void Append(const wire::ProducePartition& entry, absl::Span<char> batch) {
    if (absl::Status status = TryAppend(entry, batch); !status.ok()) pending_.AddError(status);
  }

 private:
  absl::Status TryAppend(const wire::ProducePartition& entry, absl::Span<char> batch) {
    if (IsInternalName(entry.topic())) return InternalTopic(entry.topic());
    absl::StatusOr<std::shared_ptr<PartitionLog>> log = finder_.Find(entry.topic(), entry.partition());
    if (!log.ok()) return log.status();
    const TopicConfig& config = finder_.FindTopic(entry.topic())->config;
    const absl::StatusOr<BatchHeader> header =
        ValidateBatch(absl::string_view(batch.data(), batch.size()), ValidationOf(config, now_ms_));
    if (!header.ok()) return header.status();
    const bool waits = ack_ == wire::ACK_DURABLE;
    const absl::StatusOr<AppendResult> appended =
        (*log)->Append(*header, batch, waits ? CommitUrgency::kNow : CommitUrgency::kLater);
    if (!appended.ok()) return appended.status();
    Metrics& metrics = broker_.metrics();
    metrics.batches_in.Add();
    metrics.records_in.Add(header->record_count);
    metrics.batch_bytes_in.Add(static_cast<int64_t>(batch.size()));
    const bool visible_now = config.durability == TopicDurability::kWritten;
    if (visible_now) broker_.OnAppended(**log);
    if (waits) {
      pending_.AddDurable(*std::move(log), *appended);
    } else {
      pending_.AddWritten(*appended, !visible_now);
    }
    return absl::OkStatus();
  }

  Broker& broker_;
  const wire::AckLevel ack_;
  PendingProduce& pending_;
  PartitionFinder finder_;
  const int64_t now_ms_;
};

void Produce(Responder responder, const wire::ProduceRequest& produce, absl::Span<char> payload) {
  Broker& broker = responder.broker();
  const Config& config = broker.config();
  const int64_t timeout_ms = produce.timeout_ms() == 0
                                 ? config.produce_timeout_ms
                                 : std::min<int64_t>(produce.timeout_ms(), config.produce_timeout_ms_max);
  const auto pending = std::make_shared<PendingProduce>(std::move(responder), absl::Milliseconds(timeout_ms));
  Appender appender(broker, produce.ack(), *pending);
  for (const wire::ProducePartition& entry : produce.partitions()) {
    appender.Append(entry, payload.subspan(0, entry.batch_bytes()));
    payload.remove_prefix(entry.batch_bytes());
  }
  pending->Start();
}

// Names are copied only when something is missing: this is on the way of every produce.
std::vector<std::string> MissingTopics(Broker& broker, const wire::ProduceRequest& produce) {
  std::vector<std::string> missing;
  absl::string_view last;
  for (const wire::ProducePartition& entry : produce.partitions()) {
    if (entry.topic() == last) continue;
    last = entry.topic();
    if (MayCreate(broker, last)) missing.emplace_back(last);
  }
  return missing.empty() ? missing : MissingTopics(broker, missing);
}

// What has to outlive the frame while its topics are being created.
struct Held {
  wire::ProduceRequest produce;
  std::string payload;
};

// The session reads no further meanwhile, so that what the client sends next stays behind this request.
void CreateThenProduce(Request& request, std::vector<std::string> missing) {
  auto held = std::make_shared<Held>();
  held->produce = request.header.produce();
  held->payload.assign(request.payload.data(), request.payload.size());
  request.responder.session().SetHandlerPause(true);
  CreateMissing(std::move(request.responder), std::move(missing),
                [held](Responder responder, const absl::Status& created) {
                  const std::shared_ptr<Session> session = responder.session().shared_from_this();
                  if (created.ok()) {
                    Produce(std::move(responder), held->produce,
                            absl::MakeSpan(&held->payload[0], held->payload.size()));
                  } else {
                    responder.Fail(created);
                  }
                  session->SetHandlerPause(false);
                });
}

}  // namespace

void HandleProduce(Request& request) {
  const wire::ProduceRequest& produce = request.header.produce();
  Broker& broker = request.responder.broker();
  if (absl::Status status = CheckRequest(produce, request.payload.size()); !status.ok()) {
    return request.responder.Fail(status);
  }
  std::vector<std::string> missing = MissingTopics(broker, produce);
  if (!missing.empty()) return CreateThenProduce(request, std::move(missing));
  Produce(std::move(request.responder), produce, request.payload);
}

}  // namespace leat
