#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/cli/command_line.h"

namespace leat {

// The commands below `leat topic`; see commands.h.
void AddTopicCreate(CommandLine* line, CLI::App* topic);
void AddTopicList(CommandLine* line, CLI::App* topic);
void AddTopicDescribe(CommandLine* line, CLI::App* topic);
void AddTopicAlter(CommandLine* line, CLI::App* topic);
void AddTopicDelete(CommandLine* line, CLI::App* topic);

// "name=value" texts; a usage error for anything else.
absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseSettings(
    const std::vector<std::string>& texts);

}  // namespace leat
