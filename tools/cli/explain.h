#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/admin.h"

namespace leat {

// Adds to an error about a topic or partition what there is instead: the topic with the nearest name, the
// topics that exist, how many partitions the topic has. Asks the daemon; other errors come back as they are.
absl::Status ExplainTopicError(const Admin& admin, const std::string& topic, const absl::Status& status);

// The text added for an unknown topic when these exist. Pure.
std::string UnknownTopicAdvice(absl::string_view topic, const std::vector<std::string>& existing);

}  // namespace leat
