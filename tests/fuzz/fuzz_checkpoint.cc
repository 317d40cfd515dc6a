// Any bytes as a checkpoint and as the file `format`, also with the checksum made to fit, so that what lies
// behind it is reached.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "protocol/record/crc32c.h"
#include "protocol/record/endian.h"
#include "storage/meta/checkpoint.h"
#include "storage/meta/format_file.h"

namespace leat {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckCheckpoint(const std::string& bytes) {
  const absl::StatusOr<Checkpoint> decoded = DecodeCheckpoint(bytes);
  // What is accepted has one encoding.
  if (decoded.ok()) Require(EncodeCheckpoint(*decoded) == bytes);
}

void CheckFormat(const std::string& text) {
  const absl::StatusOr<FormatInfo> decoded = DecodeFormat(text);
  if (!decoded.ok()) return;
  const absl::StatusOr<FormatInfo> again = DecodeFormat(EncodeFormat(*decoded));
  Require(again.ok() && again->data_id == decoded->data_id && again->created_ms == decoded->created_ms);
}

}  // namespace
}  // namespace leat

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  leat::CheckCheckpoint(bytes);
  leat::CheckFormat(bytes);
  std::string sealed = bytes;
  if (sealed.size() >= 4) {
    const uint32_t crc = leat::Crc32c(absl::string_view(sealed).substr(0, sealed.size() - 4));
    leat::StoreBigEndian(sealed.data() + sealed.size() - 4, crc);
    leat::CheckCheckpoint(sealed);
  }
  return 0;
}
