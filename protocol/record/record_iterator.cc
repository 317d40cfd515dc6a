#include "protocol/record/record_iterator.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/codec.h"
#include "protocol/record/error.h"
#include "protocol/record/record_fields.h"

namespace leat {
namespace {

std::optional<absl::string_view> Bytes(const char* bytes, int32_t length) {
  if (length < 0) return std::nullopt;
  return absl::string_view(bytes, static_cast<size_t>(length));
}

}  // namespace

bool HeaderIterator::Next(HeaderView* header) {
  if (left_ <= 0) return false;
  const char* from = encoded_.data();
  const char* const end = from + encoded_.size();
  int32_t key_length = 0;
  int32_t value_length = 0;
  const char* key = nullptr;
  const char* value = nullptr;
  from = ReadSized(from, end, 0, &key_length, &key);
  from = ReadSized(from, end, -1, &value_length, &value);
  if (from == nullptr) {
    left_ = 0;
    return false;
  }
  header->key = absl::string_view(key, static_cast<size_t>(key_length));
  header->value = Bytes(value, value_length);
  encoded_ = absl::string_view(from, static_cast<size_t>(end - from));
  --left_;
  return true;
}

absl::StatusOr<RecordIterator> RecordIterator::Create(const BatchView& batch, const DecodeLimits& limits) {
  RecordIterator iterator;
  iterator.header_ = batch.header();
  iterator.rest_ = batch.payload();
  if (batch.header().codec_id() == static_cast<uint8_t>(Codec::kNone) || batch.payload().empty())
    return iterator;
  absl::StatusOr<std::string> records =
      Decompress(batch.header().codec_id(), batch.payload(), limits.decompressed_bytes_max);
  if (!records.ok()) return records.status();
  iterator.decompressed_ = std::make_unique<std::string>(std::move(*records));
  iterator.rest_ = *iterator.decompressed_;
  return iterator;
}

absl::StatusOr<std::optional<RecordView>> RecordIterator::Next() {
  if (!error_.ok()) return error_;
  if (decoded_ == header_.record_count) {
    if (rest_.empty()) return std::optional<RecordView>();
    return Fail(absl::StrCat(rest_.size(), " bytes are left after the last of ", decoded_, " records"));
  }
  RecordFields fields;
  const char* const end = rest_.data() + rest_.size();
  const char* const next = ReadRecordFields(rest_.data(), end, &fields);
  if (next == nullptr) {
    return Fail(absl::StrCat("record ", decoded_, " of ", header_.record_count, " is malformed or cut off"));
  }
  if (fields.offset_delta <= last_offset_delta_ || fields.offset_delta > header_.last_offset_delta) {
    return Fail(absl::StrCat("record ", decoded_, " has offset delta ", fields.offset_delta, ", after ",
                             last_offset_delta_, " and with ", header_.last_offset_delta, " as the last"));
  }
  rest_ = absl::string_view(next, static_cast<size_t>(end - next));
  last_offset_delta_ = fields.offset_delta;
  ++decoded_;
  RecordView record;
  record.offset = header_.base_offset + fields.offset_delta;
  record.timestamp_ms = header_.log_append_time()
                            ? header_.max_timestamp_ms
                            : AddTimestamp(header_.base_timestamp_ms, fields.timestamp_delta);
  record.key = Bytes(fields.key, fields.key_length);
  record.value = Bytes(fields.value, fields.value_length);
  record.headers = HeaderIterator(fields.header_count, fields.headers);
  return std::make_optional(record);
}

absl::Status RecordIterator::Fail(absl::string_view message) {
  error_ = MakeError(ErrorCode::kCorruptBatch, message);
  return error_;
}

}  // namespace leat
