#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/message_lite.h"

// Frames (design D2): a 12-byte prefix, a small protobuf header, a raw payload.
//
//   0  4  magic 'L' 'E' 'A' 'T'
//   4  4  u32 big-endian: bytes that follow the prefix (header + payload)
//   8  4  u32 big-endian: bytes of the header
//
// The same in both directions.

namespace leat {

inline constexpr size_t kFramePrefixBytes = 12;
inline constexpr uint32_t kFrameMagic = 0x4C454154;
inline constexpr uint32_t kProtocolVersionMin = 1;
inline constexpr uint32_t kProtocolVersionMax = 1;
inline constexpr size_t kHelloFrameBytesMax = 8 * 1024;  // of the first frame of a connection
inline constexpr size_t kHeaderBytesMax = 1024 * 1024;   // of a frame's protobuf header

// A whole frame over bytes that the caller keeps alive. `payload` is writable: the broker stamps offsets in
// it.
struct FrameView {
  absl::string_view header;
  absl::Span<char> payload;
};

struct DecodedFrame {
  // Bytes of the whole frame, prefix included. With fewer at hand, `frame` is empty: read until this many.
  size_t total_bytes = 0;
  bool complete = false;
  FrameView frame;
};

// Looks at the front of `buffer`. Less than a prefix asks for kFramePrefixBytes. Errors, after which the
// connection cannot go on: kInvalidRequest (magic, header longer than frame or than kHeaderBytesMax),
// kFrameTooLarge (above `frame_bytes_max`, prefix included). Wrong magic is reported from the first byte.
absl::StatusOr<DecodedFrame> DecodeFrame(absl::Span<char> buffer, size_t frame_bytes_max);

// Prefix and serialised header of a frame whose payload has `payload_bytes`; the payload itself is sent after
// it. kFrameTooLarge when the sizes do not fit into the prefix.
absl::StatusOr<std::string> EncodeFrameHead(const google::protobuf::MessageLite& header,
                                            uint64_t payload_bytes);

}  // namespace leat
