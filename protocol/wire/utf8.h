#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace leat {

// Length of the UTF-8 character at the front of `text`, which is not empty; 0 when there is no valid one.
size_t Utf8CharBytes(absl::string_view text);

bool IsValidUtf8(absl::string_view text);

// kInvalidRequest when a string in `message` is not UTF-8. Protobuf would write it all the same, but the
// receiver could not parse the message and would end the connection.
absl::Status CheckUtf8(const google::protobuf::Message& message);

}  // namespace leat
