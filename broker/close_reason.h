#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace leat {

// Why a connection ended; each is counted.
enum class CloseReason : uint8_t {
  kPeer,          // the peer closed, or the network broke
  kBadFrame,      // magic, sizes or header of a frame
  kHello,         // no Hello, or one that cannot be served
  kHelloTimeout,  // hello_timeout_ms
  kFrameTimeout,  // frame_timeout_ms
  kIdle,          // idle_ms_max
  kSendStall,     // send_stall_ms
  kRefused,       // connections_max
  kShutdown,      // the broker stops
};
inline constexpr size_t kCloseReasons = 9;

// "peer", "bad_frame", ...: part of the metric's name.
absl::string_view CloseReasonName(CloseReason reason);

}  // namespace leat
