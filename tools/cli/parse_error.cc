#include "tools/cli/parse_error.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/cli/nearest_name.h"

namespace leat {
namespace {

// The command that was being named when parsing failed.
const CLI::App* DeepestCommand(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().back();
  return command;
}

std::string PathOf(const CLI::App* command) {
  std::string path = command->get_name();
  while ((command = command->get_parent()) != nullptr) path = absl::StrCat(command->get_name(), " ", path);
  return path;
}

std::vector<std::string> OptionNames(const CLI::App* command) {
  std::vector<std::string> names;
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back(absl::StrCat("--", name));
    }
  }
  return names;
}

std::vector<std::string> CommandNames(const CLI::App* command) {
  std::vector<std::string> names;
  for (const CLI::App* sub : command->get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

// What to say about arguments that nothing takes.
std::string ExplainExtras(const CLI::App& app) {
  const CLI::App* const command = DeepestCommand(app);
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) return "";
  const std::string& first = extras.front();
  const bool option = absl::StartsWith(first, "-");
  const std::vector<std::string> known = option ? OptionNames(command) : CommandNames(command);
  if (!option && known.empty()) return absl::StrCat("unexpected argument '", first, "'");
  std::string text = absl::StrCat("there is no ", option ? "option" : "command", " '", first, "'");
  const std::string nearest = NearestName(first.substr(0, first.find('=')), known);
  if (!nearest.empty()) {
    absl::StrAppend(&text, "; did you mean '", nearest, "'?");
  } else if (!option) {
    absl::StrAppend(&text, "; known are ", JoinNames(known, 20));
  }
  return text;
}

}  // namespace

std::string ExplainParseError(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* const command = DeepestCommand(app);
  std::string text = ExplainExtras(app);
  if (text.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr &&
      !CommandNames(command).empty()) {
    text = absl::StrCat("'", PathOf(command), "' needs a command: ", JoinNames(CommandNames(command), 20));
  }
  if (text.empty()) text = error.what();
  return absl::StrCat(text, "\nTry '", PathOf(command), " --help'.");
}

}  // namespace leat
