#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace leat {

class Broker;

// Topics that a first produce creates (auto_create_topics).

// True when `name` does not exist and may be created by a client that just uses it.
bool MayCreate(Broker& broker, absl::string_view name);

// Those of `names` for which MayCreate holds, each once.
std::vector<std::string> MissingTopics(Broker& broker, const std::vector<std::string>& names);

// Creates the topics with the broker's defaults. Blocks on the disk: admin executor. The error of the first
// one that could not be created; existing ones are fine.
absl::Status CreateMissing(Broker& broker, const std::vector<std::string>& names);

}  // namespace leat
