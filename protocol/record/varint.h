#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

// Zigzag LEB128 integers of the record format: "varint" has 32 bits and at most 5 bytes, "varlong" 64 bits
// and at most 10. Readers accept overlong forms within these limits and refuse values that do not fit the
// type.

namespace leat {

inline constexpr size_t kVarintBytesMax = 5;
inline constexpr size_t kVarlongBytesMax = 10;

inline uint64_t ZigZag(int64_t value) {
  return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63);
}
inline int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Bytes that WriteVarint takes for `value`. A varint and a varlong of the same value look the same.
inline size_t VarintBytes(int64_t value) {
  const auto bits = static_cast<size_t>(std::bit_width(ZigZag(value) | 1));
  return (bits + 6) / 7;
}

// Writes the shortest form and returns the place after it. The caller has VarintBytes(value) bytes of room.
inline char* WriteVarint(char* to, int64_t value) {
  uint64_t rest = ZigZag(value);
  while (rest >= 0x80) {
    *to++ = static_cast<char>(rest | 0x80);
    rest >>= 7;
  }
  *to++ = static_cast<char>(rest);
  return to;
}

// The forms of more than one byte; use ReadVarint and ReadVarlong.
const char* ReadLongVarint(const char* from, const char* end, int32_t* value);
const char* ReadLongVarlong(const char* from, const char* end, int64_t* value);

// Reads at `from` and returns the place after it; nullptr when the bytes end first, when the form is too
// long, or when the value does not fit. `from` may be nullptr, which is handed on: a chain of reads needs one
// check.
inline const char* ReadVarint(const char* from, const char* end, int32_t* value) {
  if (from != nullptr && from < end && static_cast<uint8_t>(*from) < 0x80) {
    *value = static_cast<int32_t>(UnZigZag(static_cast<uint8_t>(*from)));
    return from + 1;
  }
  return ReadLongVarint(from, end, value);
}

inline const char* ReadVarlong(const char* from, const char* end, int64_t* value) {
  if (from != nullptr && from < end && static_cast<uint8_t>(*from) < 0x80) {
    *value = UnZigZag(static_cast<uint8_t>(*from));
    return from + 1;
  }
  return ReadLongVarlong(from, end, value);
}

}  // namespace leat
