#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/record/batch.h"
#include "protocol/record/endian.h"

// Entries of the .index and .timeindex files, in Apache Kafka's format; storage/FORMAT.md gives every byte.
// On disk offsets are relative to the segment's base, 32 bits wide, and every number is big-endian.

namespace leat {

// The batch that starts at `position` ends with record `last_offset`.
struct OffsetEntry {
  static constexpr size_t kBytes = 8;
  Offset last_offset = 0;
  uint64_t position = 0;

  static OffsetEntry Decode(const char* from, Offset base) {
    return {base + LoadBigEndian<int32_t>(from), static_cast<uint64_t>(LoadBigEndian<uint32_t>(from + 4))};
  }
  void Encode(char* to, Offset base) const {
    StoreBigEndian(to, static_cast<int32_t>(last_offset - base));
    StoreBigEndian(to + 4, static_cast<uint32_t>(position));
  }
  bool operator==(const OffsetEntry&) const = default;
};

// `timestamp_ms` is the largest so far in the segment; the earliest batch that has it ends with record
// `last_offset`.
struct TimeEntry {
  static constexpr size_t kBytes = 12;
  int64_t timestamp_ms = -1;
  Offset last_offset = 0;

  static TimeEntry Decode(const char* from, Offset base) {
    return {LoadBigEndian<int64_t>(from), base + LoadBigEndian<int32_t>(from + 8)};
  }
  void Encode(char* to, Offset base) const {
    StoreBigEndian(to, timestamp_ms);
    StoreBigEndian(to + 8, static_cast<int32_t>(last_offset - base));
  }
  bool operator==(const TimeEntry&) const = default;
};

}  // namespace leat
