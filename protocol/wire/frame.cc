#include "protocol/wire/frame.h"

#include <algorithm>
#include <limits>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

constexpr size_t kMagicBytes = 4;

uint32_t LoadBigEndian(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void StoreBigEndian(uint32_t value, char* out) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (24 - 8 * i));
}

bool MagicMatches(absl::Span<const char> buffer) {
  char magic[kMagicBytes];
  StoreBigEndian(kFrameMagic, magic);
  return std::equal(buffer.begin(), buffer.begin() + std::min(buffer.size(), kMagicBytes), magic);
}

}  // namespace

absl::StatusOr<DecodedFrame> DecodeFrame(absl::Span<char> buffer, size_t frame_bytes_max) {
  if (!MagicMatches(buffer)) {
    return MakeError(
        ErrorCode::kInvalidRequest,
        "these bytes are no frame of the Leat protocol (wrong magic): is the peer a Leat client?");
  }
  DecodedFrame decoded;
  if (buffer.size() < kFramePrefixBytes) {
    decoded.total_bytes = kFramePrefixBytes;
    return decoded;
  }
  const size_t rest_bytes = LoadBigEndian(buffer.data() + 4);
  const size_t header_bytes = LoadBigEndian(buffer.data() + 8);
  decoded.total_bytes = kFramePrefixBytes + rest_bytes;
  if (decoded.total_bytes > frame_bytes_max) {
    return MakeError(
        ErrorCode::kFrameTooLarge,
        absl::StrCat("a frame of ", decoded.total_bytes, " bytes is above the limit of ", frame_bytes_max));
  }
  if (header_bytes > rest_bytes) {
    return MakeError(ErrorCode::kInvalidRequest,
                     absl::StrCat("a frame header of ", header_bytes,
                                  " bytes does not fit into its frame of ", decoded.total_bytes));
  }
  if (header_bytes > kHeaderBytesMax) {
    return MakeError(
        ErrorCode::kInvalidRequest,
        absl::StrCat("a frame header of ", header_bytes, " bytes is above the limit of ", kHeaderBytesMax));
  }
  if (buffer.size() < decoded.total_bytes) return decoded;
  decoded.complete = true;
  decoded.frame.header = absl::string_view(buffer.data() + kFramePrefixBytes, header_bytes);
  decoded.frame.payload = buffer.subspan(kFramePrefixBytes + header_bytes, rest_bytes - header_bytes);
  return decoded;
}

absl::StatusOr<std::string> EncodeFrameHead(const google::protobuf::MessageLite& header,
                                            uint64_t payload_bytes) {
  const size_t header_bytes = header.ByteSizeLong();
  if (header_bytes > kHeaderBytesMax) {
    return MakeError(ErrorCode::kFrameTooLarge,
                     absl::StrCat("a frame header of ", header_bytes, " bytes is above the limit of ",
                                  kHeaderBytesMax, ": ask for less at a time"));
  }
  if (payload_bytes > std::numeric_limits<uint32_t>::max() - header_bytes) {
    return MakeError(ErrorCode::kFrameTooLarge,
                     absl::StrCat("a payload of ", payload_bytes, " bytes does not fit into a frame"));
  }
  std::string head(kFramePrefixBytes + header_bytes, '\0');
  StoreBigEndian(kFrameMagic, &head[0]);
  StoreBigEndian(static_cast<uint32_t>(header_bytes + payload_bytes), &head[4]);
  StoreBigEndian(static_cast<uint32_t>(header_bytes), &head[8]);
  header.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(&head[kFramePrefixBytes]));
  return head;
}

}  // namespace leat
