#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "protocol/record/varint.h"

// The layout of one record inside a batch, read without building anything. The record iterator and the
// broker's validation share it, so that both accept exactly the same bytes.

namespace leat {

// A record needs this many bytes at least: length, attributes, two deltas, two lengths, header count.
inline constexpr int64_t kRecordBytesMin = 7;

// A length of -1 is null; the pointers are then meaningless.
struct RecordFields {
  int64_t timestamp_delta = 0;
  int32_t offset_delta = 0;
  int32_t key_length = -1;
  int32_t value_length = -1;
  int32_t header_count = 0;
  const char* key = nullptr;
  const char* value = nullptr;
  absl::string_view headers;
};

// Skips a length and that many bytes. `length` may be `least` or more.
inline const char* ReadSized(const char* from, const char* end, int32_t least, int32_t* length,
                             const char** bytes) {
  from = ReadVarint(from, end, length);
  if (from == nullptr || *length < least) return nullptr;
  *bytes = from;
  if (*length <= 0) return from;
  return end - from < *length ? nullptr : from + *length;
}

// The place after the last of `count` headers; nullptr when one is malformed.
const char* SkipHeaders(const char* from, const char* end, int32_t count);

// Reads the record at `from` and returns the place after it; nullptr when it is malformed in any way: a bad
// varint, a length outside its range or beyond the bytes at hand, bytes left over inside the record.
inline const char* ReadRecordFields(const char* from, const char* end, RecordFields* fields) {
  int32_t length = 0;
  from = ReadVarint(from, end, &length);
  if (from == nullptr || length < kRecordBytesMin - 1 || end - from < length) return nullptr;
  const char* const record_end = from + length;
  ++from;  // attributes of a record: no bit has a meaning
  from = ReadVarlong(from, record_end, &fields->timestamp_delta);
  from = ReadVarint(from, record_end, &fields->offset_delta);
  from = ReadSized(from, record_end, -1, &fields->key_length, &fields->key);
  from = ReadSized(from, record_end, -1, &fields->value_length, &fields->value);
  from = ReadVarint(from, record_end, &fields->header_count);
  if (from == nullptr || fields->header_count < 0) return nullptr;
  fields->headers = absl::string_view(from, static_cast<size_t>(record_end - from));
  if (fields->header_count > 0) from = SkipHeaders(from, record_end, fields->header_count);
  return from == record_end ? record_end : nullptr;
}

// Timestamps may be any 64-bit numbers; the sum wraps, as does the difference that the writer stores.
inline int64_t AddTimestamp(int64_t base_ms, int64_t delta) {
  return static_cast<int64_t>(static_cast<uint64_t>(base_ms) + static_cast<uint64_t>(delta));
}
inline int64_t SubtractTimestamp(int64_t timestamp_ms, int64_t base_ms) {
  return static_cast<int64_t>(static_cast<uint64_t>(timestamp_ms) - static_cast<uint64_t>(base_ms));
}

}  // namespace leat
