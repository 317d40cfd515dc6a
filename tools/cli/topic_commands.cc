#include "tools/cli/topic_commands.h"

#include "absl/strings/str_cat.h"
#include "tools/cli/commands.h"
#include "tools/cli/exit_code.h"

namespace leat {

void AddTopicCommands(CommandLine* line) {
  CLI::App* const topic = line->app.add_subcommand("topic", "Creates, shows, changes and deletes topics.");
  topic->require_subcommand(1);
  AddTopicCreate(line, topic);
  AddTopicList(line, topic);
  AddTopicDescribe(line, topic);
  AddTopicAlter(line, topic);
  AddTopicDelete(line, topic);
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ParseSettings(
    const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return UsageError(absl::StrCat("'", text, "' is not a setting; write NAME=VALUE"));
    }
    settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return settings;
}

}  // namespace leat
