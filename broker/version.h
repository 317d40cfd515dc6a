#pragma once

#include "absl/strings/string_view.h"

namespace leat {

// Of this build: "0.1.0".
absl::string_view Version();

}  // namespace leat
