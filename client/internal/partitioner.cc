#include "client/internal/partitioner.h"

#include <cstddef>

namespace leat {
namespace {

constexpr uint32_t kSeed = 0x9747b28c;
constexpr uint32_t kMultiplier = 0x5bd1e995;
constexpr int kShift = 24;

// Little-endian, whatever the machine.
uint32_t Load(absl::string_view data, size_t at, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value |= uint32_t{static_cast<uint8_t>(data[at + i])} << (8 * i);
  return value;
}

}  // namespace

int32_t Murmur2(absl::string_view data) {
  uint32_t hash = kSeed ^ static_cast<uint32_t>(data.size());
  const size_t whole = data.size() / 4 * 4;
  for (size_t at = 0; at < whole; at += 4) {
    uint32_t word = Load(data, at, 4) * kMultiplier;
    word = (word ^ (word >> kShift)) * kMultiplier;
    hash = (hash * kMultiplier) ^ word;
  }
  if (whole < data.size()) hash = (hash ^ Load(data, whole, data.size() - whole)) * kMultiplier;
  hash = (hash ^ (hash >> 13)) * kMultiplier;
  return static_cast<int32_t>(hash ^ (hash >> 15));
}

int32_t PartitionOfKey(absl::string_view key, int32_t partitions) {
  return (Murmur2(key) & 0x7fffffff) % partitions;
}

}  // namespace leat
