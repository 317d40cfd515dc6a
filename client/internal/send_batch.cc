#include "client/internal/send_batch.h"

namespace leat {

SendBatch::SendBatch(std::shared_ptr<const std::string> topic, int32_t partition, Codec codec)
    : topic_(std::move(topic)), partition_(partition), builder_(BatchOptions{codec}) {}

uint32_t SendBatch::Add(const RecordRef& record, int64_t timestamp_ms, size_t charged) {
  builder_.Add(timestamp_ms, record.key, record.value, record.headers);
  timestamps_.push_back(timestamp_ms);
  charged_bytes_ += charged;
  return static_cast<uint32_t>(timestamps_.size() - 1);
}

void SendBatch::AddCallback(uint32_t index, Producer::DeliveryCallback done) {
  callbacks_.emplace_back(index, std::move(done));
}

absl::Status SendBatch::Seal(int64_t producer_id, int32_t base_sequence) {
  builder_.SetProducer(producer_id, 0, base_sequence);
  absl::StatusOr<std::string> encoded = builder_.Finish();
  if (!encoded.ok()) return encoded.status();
  encoded_ = *std::move(encoded);
  sealed_ = true;
  return absl::OkStatus();
}

void SendBatch::Succeed(Offset base_offset, Acks level, bool provisional) {
  base_offset_ = base_offset;
  level_ = level;
  provisional_ = provisional;
  Finish();
}

void SendBatch::Fail(absl::Status error) {
  error_ = std::move(error);
  Finish();
}

void SendBatch::Finish() {
  std::string().swap(encoded_);
  for (auto& [index, done] : callbacks_) std::move(done)(Take(index));
  callbacks_.clear();
  MarkReady();
}

Producer::Delivery SendBatch::Take(uint32_t index) {
  if (!error_.ok()) return error_;
  return DeliveryReport{
      *topic_, partition_,  base_offset_ < 0 ? -1 : base_offset_ + index, timestamps_[index],
      level_,  provisional_};
}

}  // namespace leat
