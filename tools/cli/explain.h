#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/admin.h"

namespace leat {

// Adds to the error for an unknown topic what there is instead: the topic with the nearest name, and those
// that exist. Asks the daemon; other errors come back as they are, they name what there is themselves.
absl::Status ExplainTopicError(const Admin& admin, const std::string& topic, const absl::Status& status);

// The text added for an unknown topic when these exist. Pure.
std::string UnknownTopicAdvice(absl::string_view topic, const std::vector<std::string>& existing);

}  // namespace leat
