#pragma once

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "broker/responder.h"

namespace leat {

class Broker;

// Topics that a first produce creates (auto_create_topics).

// True when `name` does not exist and may be created by a client that just uses it.
bool MayCreate(Broker& broker, absl::string_view name);

// Those of `names` for which MayCreate holds, each once.
std::vector<std::string> MissingTopics(Broker& broker, const std::vector<std::string>& names);

// Creates the topics with the broker's defaults on the admin executor, one at a time, so that other requests
// get their turn in between; then calls `done` on the lane with the error of the first one that could not be
// created. Existing ones are fine. Goes no further when the broker stops (kShuttingDown).
using TopicsCreated = absl::AnyInvocable<void(Responder, const absl::Status&) &&>;
void CreateMissing(Responder responder, std::vector<std::string> names, TopicsCreated done);

}  // namespace leat
