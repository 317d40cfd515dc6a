#include "tools/cli/utf8.h"

#include <cstdint>
#include <cstring>

namespace leat {
namespace {

// The number of continuation bytes that follow `lead`, and the range of the first of them (RFC 3629 section
// 4).
struct Sequence {
  int continuations;  // 0: not a lead byte
  uint8_t low;
  uint8_t high;
};

Sequence SequenceOf(uint8_t lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {1, 0x80, 0xBF};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {2, 0x80, 0xBF};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {3, 0x80, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

bool IsUtf8(absl::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    uint64_t eight = 0;
    if (bytes.size() - at >= sizeof eight) {
      std::memcpy(&eight, bytes.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080U) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const auto lead = static_cast<uint8_t>(bytes[at++]);
    if (lead < 0x80) continue;
    Sequence sequence = SequenceOf(lead);
    if (sequence.continuations == 0) return false;
    for (; sequence.continuations > 0; --sequence.continuations) {
      if (at >= bytes.size()) return false;
      const auto byte = static_cast<uint8_t>(bytes[at++]);
      if (byte < sequence.low || byte > sequence.high) return false;
      sequence.low = 0x80;
      sequence.high = 0xBF;
    }
  }
  return true;
}

}  // namespace leat
