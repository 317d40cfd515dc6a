#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace leat {

// CRC-32C (Castagnoli) of `data`: 0xE3069283 for "123456789". Hardware-accelerated by ISA-L.
uint32_t Crc32c(absl::string_view data);

// CRC-32C of a followed by b, where `crc` is Crc32c(a).
uint32_t ExtendCrc32c(uint32_t crc, absl::string_view b);

}  // namespace leat
