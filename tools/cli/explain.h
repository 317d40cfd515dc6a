#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/admin.h"

namespace leat {

// Adds the remedy to an error about a topic. For an unknown one that is what there is instead, for which it
// asks the daemon: the topic with the nearest name, and those that exist.
absl::Status ExplainTopicError(const Admin& admin, const std::string& topic, const absl::Status& status);

// The text added for an unknown topic when these exist. Pure.
std::string UnknownTopicAdvice(absl::string_view topic, const std::vector<std::string>& existing);

}  // namespace leat
