#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace leat {

// MurmurHash2 (Austin Appleby, public domain) with the seed that Kafka's Java client uses, so that a key goes
// to the same partition there and here.
int32_t Murmur2(absl::string_view data);

// The partition of a key among `partitions` (> 0).
int32_t PartitionOfKey(absl::string_view key, int32_t partitions);

}  // namespace leat
