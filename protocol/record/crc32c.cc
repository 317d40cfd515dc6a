#include "protocol/record/crc32c.h"

#include <algorithm>
#include <cstddef>

#include "isa-l/crc.h"

namespace leat {
namespace {

// crc32_iscsi takes its length as an int.
constexpr size_t kChunkBytes = size_t{1} << 30;

}  // namespace

uint32_t Crc32c(absl::string_view data) { return ExtendCrc32c(0, data); }

uint32_t ExtendCrc32c(uint32_t crc, absl::string_view b) {
  // ISA-L leaves the inversion before and after to its caller.
  uint32_t state = ~crc;
  while (!b.empty()) {
    const absl::string_view chunk = b.substr(0, std::min(b.size(), kChunkBytes));
    // The parameter lacks a const; the data is only read.
    auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(chunk.data()));
    state = crc32_iscsi(bytes, static_cast<int>(chunk.size()), state);
    b.remove_prefix(chunk.size());
  }
  return ~state;
}

}  // namespace leat
