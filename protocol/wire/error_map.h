#pragma once

#include "absl/status/status.h"
#include "protocol/wire/leat.pb.h"

// Errors on the wire: the number of the ErrorCode and the message of the status, see the table in
// PROTOCOL.md.

namespace leat {

inline constexpr size_t kErrorMessageBytesMax = 1024;

// Fills `error` from `status`: code 0 and no message for OK. The message is made valid UTF-8, as protobuf
// asks, and cut to kErrorMessageBytesMax; an empty one becomes the meaning of the code.
void ToWire(const absl::Status& status, wire::Error* error);

// The status that `error` stands for; CodeOf gives back its number, also when this build does not know it.
// Such an error of a newer peer has the absl code kUnknown and is not retriable.
absl::Status FromWire(const wire::Error& error);

}  // namespace leat
