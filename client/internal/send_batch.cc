#include "client/internal/send_batch.h"

#include <optional>
#include <utility>

#include "protocol/record/record_iterator.h"

namespace leat {

SendBatch::SendBatch(std::shared_ptr<const std::string> topic, int32_t partition, Codec codec)
    : topic_(std::move(topic)), partition_(partition), codec_(codec), builder_(BatchOptions{codec}) {}

uint32_t SendBatch::Add(const RecordRef& record, int64_t timestamp_ms, size_t charged) {
  builder_.Add(timestamp_ms, record.key, record.value, record.headers);
  timestamps_.push_back(timestamp_ms);
  charged_bytes_ += charged;
  return static_cast<uint32_t>(timestamps_.size() - 1);
}

void SendBatch::AddCallback(uint32_t index, Producer::DeliveryCallback done) {
  callbacks_.emplace_back(index, std::move(done));
}

absl::Status SendBatch::Seal(int64_t producer_id, int16_t epoch, int32_t base_sequence) {
  builder_.SetProducer(producer_id, epoch, base_sequence);
  sealed_bytes_ = builder_.uncompressed_bytes();
  base_sequence_ = base_sequence;
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
  if (const auto parent = std::exchange(parent_, nullptr); parent != nullptr && --parent->parts_left_ == 0) {
    parent->Finish();
  }
}

void SendBatch::AddCopy(const RecordView& record, size_t charged) {
  std::vector<HeaderView> headers;
  HeaderIterator next = record.headers;
  for (HeaderView header; next.Next(&header);) headers.push_back(header);
  RecordRef copy;
  copy.key = record.key;
  copy.value = record.value;
  copy.headers = headers;
  Add(copy, record.timestamp_ms, charged);
}

std::vector<std::shared_ptr<SendBatch>> SendBatch::Split() {
  const absl::StatusOr<BatchView> batch = BatchView::Parse(encoded_);
  if (!batch.ok()) return {};
  absl::StatusOr<RecordIterator> records = RecordIterator::Create(*batch, {sealed_bytes_});
  if (!records.ok()) return {};
  const int32_t half = (record_count() + 1) / 2;
  std::vector<std::shared_ptr<SendBatch>> parts;
  for (int32_t i = 0; i < record_count(); ++i) {
    const absl::StatusOr<std::optional<RecordView>> record = records->Next();
    if (!record.ok() || !record->has_value()) return {};
    if (i == 0 || i == half) parts.push_back(std::make_shared<SendBatch>(topic_, partition_, codec_));
    // The first one carries what does not divide evenly.
    const size_t each = charged_bytes_ / static_cast<size_t>(record_count());
    parts.back()->AddCopy(**record,
                          i == 0 ? charged_bytes_ - each * static_cast<size_t>(record_count() - 1) : each);
  }
  for (const auto& part : parts) part->parent_ = shared_from_this();
  parts_ = parts;
  parts_left_ = parts.size();
  std::string().swap(encoded_);
  return parts;
}

Producer::Delivery SendBatch::Take(uint32_t index) {
  for (const auto& part : parts_) {
    const auto count = static_cast<uint32_t>(part->record_count());
    if (index < count) return part->Take(index);
    index -= count;
  }
  if (!error_.ok()) return error_;
  return DeliveryReport{
      *topic_, partition_,  base_offset_ < 0 ? -1 : base_offset_ + index, timestamps_[index],
      level_,  provisional_};
}

}  // namespace leat
