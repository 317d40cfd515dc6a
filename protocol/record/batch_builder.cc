#include "protocol/record/batch_builder.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/codec.h"
#include "protocol/record/error.h"
#include "protocol/record/record_fields.h"
#include "protocol/record/varint.h"

namespace leat {
namespace {

// length, attributes, timestamp delta, offset delta, lengths of key and value, header count
constexpr size_t kRecordOverheadMax = 5 * kVarintBytesMax + kVarlongBytesMax + 1;
constexpr size_t kHeaderOverheadMax = 2 * kVarintBytesMax;
constexpr size_t kBatchBytesMax = std::numeric_limits<int32_t>::max();

size_t SizedBytes(const std::optional<absl::string_view>& bytes) {
  if (!bytes.has_value()) return 1;
  return VarintBytes(static_cast<int64_t>(bytes->size())) + bytes->size();
}

size_t HeadersBytes(absl::Span<const HeaderView> headers) {
  size_t bytes = VarintBytes(static_cast<int64_t>(headers.size()));
  for (const HeaderView& header : headers) bytes += SizedBytes(header.key) + SizedBytes(header.value);
  return bytes;
}

char* WriteSized(char* to, const std::optional<absl::string_view>& bytes) {
  if (!bytes.has_value()) return WriteVarint(to, -1);
  to = WriteVarint(to, static_cast<int64_t>(bytes->size()));
  if (!bytes->empty()) std::memcpy(to, bytes->data(), bytes->size());
  return to + bytes->size();
}

char* WriteHeaders(char* to, absl::Span<const HeaderView> headers) {
  to = WriteVarint(to, static_cast<int64_t>(headers.size()));
  for (const HeaderView& header : headers) {
    to = WriteSized(to, header.key);
    to = WriteSized(to, header.value);
  }
  return to;
}

}  // namespace

BatchBuilder::BatchBuilder(BatchOptions options) : options_(options), bytes_(kBatchHeaderBytes, '\0') {}

void BatchBuilder::Add(int64_t timestamp_ms, std::optional<absl::string_view> key,
                       std::optional<absl::string_view> value, absl::Span<const HeaderView> headers) {
  if (overflow_ || EncodedBytesMax(key, value, headers) > kBatchBytesMax - bytes_.size()) {
    overflow_ = true;
    return;
  }
  if (count_ == 0) {
    bytes_.reserve(last_batch_bytes_);
    base_timestamp_ms_ = timestamp_ms;
    max_timestamp_ms_ = timestamp_ms;
  }
  const int64_t timestamp_delta = SubtractTimestamp(timestamp_ms, base_timestamp_ms_);
  const size_t length = 1 + VarintBytes(timestamp_delta) + VarintBytes(count_) + SizedBytes(key) +
                        SizedBytes(value) + HeadersBytes(headers);
  const size_t before = bytes_.size();
  bytes_.resize(before + VarintBytes(static_cast<int64_t>(length)) + length);
  char* to = WriteVarint(&bytes_[before], static_cast<int64_t>(length));
  *to++ = 0;  // attributes
  to = WriteVarint(to, timestamp_delta);
  to = WriteVarint(to, count_);
  to = WriteSized(to, key);
  to = WriteSized(to, value);
  WriteHeaders(to, headers);
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
  ++count_;
}

size_t BatchBuilder::EncodedBytesMax(std::optional<absl::string_view> key,
                                     std::optional<absl::string_view> value,
                                     absl::Span<const HeaderView> headers) {
  size_t bytes =
      kRecordOverheadMax + (key.has_value() ? key->size() : 0) + (value.has_value() ? value->size() : 0);
  for (const HeaderView& header : headers) {
    bytes += kHeaderOverheadMax + header.key.size() + (header.value.has_value() ? header.value->size() : 0);
  }
  return bytes;
}

void BatchBuilder::SetProducer(int64_t id, int16_t epoch, int32_t base_sequence) {
  options_.producer_id = id;
  options_.producer_epoch = epoch;
  options_.base_sequence = base_sequence;
}

absl::StatusOr<std::string> BatchBuilder::Finish() {
  std::string batch = std::move(bytes_);
  BatchHeader header;
  header.attributes = static_cast<int16_t>(options_.codec);
  header.last_offset_delta = std::max(count_ - 1, 0);
  header.base_timestamp_ms = base_timestamp_ms_;
  header.max_timestamp_ms = max_timestamp_ms_;
  header.producer_id = options_.producer_id;
  header.producer_epoch = options_.producer_epoch;
  header.base_sequence = options_.base_sequence;
  header.record_count = count_;
  const bool overflow = overflow_;
  Reset(batch.size());
  if (overflow)
    return MakeError(ErrorCode::kBatchTooLarge, "a batch cannot hold 2 GiB; send fewer records in one");
  if (options_.codec != Codec::kNone) {
    std::string compressed(kBatchHeaderBytes, '\0');
    const absl::string_view records = absl::string_view(batch).substr(kBatchHeaderBytes);
    if (absl::Status status = Compress(options_.codec, records, &compressed); !status.ok()) return status;
    batch = std::move(compressed);
  }
  if (batch.size() > kBatchBytesMax) return MakeError(ErrorCode::kBatchTooLarge, "a batch cannot hold 2 GiB");
  header.batch_length = static_cast<int32_t>(batch.size() - kBatchLengthOverhead);
  EncodeBatchHeader(header, absl::MakeSpan(batch));
  SealBatch(absl::MakeSpan(batch));
  return batch;
}

void BatchBuilder::Reset(size_t last_batch_bytes) {
  last_batch_bytes_ = last_batch_bytes;
  bytes_.assign(kBatchHeaderBytes, '\0');
  count_ = 0;
  base_timestamp_ms_ = -1;
  max_timestamp_ms_ = -1;
  overflow_ = false;
}

}  // namespace leat
