#include "protocol/record/varint.h"

namespace leat {
namespace {

// `last_max` is the most that the last of `bytes_max` bytes may be without losing bits.
const char* ReadUnsigned(const char* from, const char* end, size_t bytes_max, uint8_t last_max,
                         uint64_t* value) {
  if (from == nullptr) return nullptr;
  uint64_t result = 0;
  for (size_t i = 0; i < bytes_max && from < end; ++i) {
    const auto byte = static_cast<uint8_t>(*from++);
    if (i + 1 == bytes_max && byte > last_max) return nullptr;
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      *value = result;
      return from;
    }
  }
  return nullptr;
}

}  // namespace

const char* ReadLongVarint(const char* from, const char* end, int32_t* value) {
  uint64_t raw = 0;
  const char* next = ReadUnsigned(from, end, kVarintBytesMax, 0x0f, &raw);
  if (next != nullptr) *value = static_cast<int32_t>(UnZigZag(raw));
  return next;
}

const char* ReadLongVarlong(const char* from, const char* end, int64_t* value) {
  uint64_t raw = 0;
  const char* next = ReadUnsigned(from, end, kVarlongBytesMax, 0x01, &raw);
  if (next != nullptr) *value = UnZigZag(raw);
  return next;
}

}  // namespace leat
