#include "client/producer.h"

#include <utility>

#include "client/internal/producer_core.h"
#include "client/internal/record_refs.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

absl::Status Validate(const ProducerOptions& options) {
  const auto refuse = [](absl::string_view message) {
    return MakeError(ErrorCode::kInvalidRequest, message);
  };
  if (options.batch_bytes < kBatchHeaderBytes)
    return refuse("batch_bytes has to be larger than a batch's header");
  if (options.buffer_bytes_max == 0) return refuse("buffer_bytes_max has to be above zero");
  if (options.requests_in_flight_max < 1) return refuse("requests_in_flight_max has to be at least 1");
  if (options.delivery_timeout <= absl::ZeroDuration())
    return refuse("delivery_timeout has to be above zero");
  for (absl::Duration each :
       {options.linger, options.max_block, options.ack_timeout, options.close_timeout}) {
    if (each < absl::ZeroDuration()) return refuse("a producer's times cannot be negative");
  }
  if (options.ack_timeout > absl::Hours(24)) return refuse("ack_timeout cannot be above a day");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Producer>> Producer::Create(Client& client, ProducerOptions options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  auto core = std::make_shared<ProducerCore>(client.core(), options);
  if (absl::Status status = core->Open(); !status.ok()) return status;
  return std::unique_ptr<Producer>(new Producer(std::move(core), options.close_timeout));
}

Producer::Producer(std::shared_ptr<ProducerCore> core, absl::Duration close_timeout)
    : core_(std::move(core)), close_timeout_(close_timeout) {}

Producer::~Producer() {
  // Nobody is left to be told, except by the futures.
  static_cast<void>(core_->Close(close_timeout_));
}

Future<Producer::Delivery> Producer::Send(const Record& record) {
  return core_->Send(*RecordReference(record));
}

Future<Producer::Delivery> Producer::Send(const RecordRef& record) { return core_->Send(record); }

void Producer::Send(const Record& record, DeliveryCallback done) {
  core_->Send(*RecordReference(record), std::move(done));
}

void Producer::Send(const RecordRef& record, DeliveryCallback done) { core_->Send(record, std::move(done)); }

Future<absl::Status> Producer::FlushAsync() { return core_->FlushAsync(); }

absl::Status Producer::Flush(absl::Duration timeout) {
  if (core_->FlushAsync().Wait(timeout)) return absl::OkStatus();
  return MakeError(ErrorCode::kTimedOut, "some records are not acknowledged yet");
}

absl::Status Producer::Close(absl::Duration timeout) { return core_->Close(timeout); }

int64_t Producer::producer_id() const { return core_->producer_id(); }

ProducerStats Producer::stats() const { return core_->stats(); }

}  // namespace leat
