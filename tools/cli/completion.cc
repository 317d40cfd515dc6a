#include "tools/cli/completion.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace leat {
namespace {

using Argument = CompletionEntry::Argument;

// Commands say in the names of their arguments what these are.
Argument ArgumentOf(const CLI::App& command, const std::string& name) {
  if (absl::StrContains(name, "TOPIC")) return Argument::kTopic;
  if (absl::StrContains(name, "NAME")) {
    return command.get_name() == "create" ? Argument::kNone : Argument::kTopic;
  }
  if (absl::StrContains(name, "DIR")) return Argument::kDirectory;
  return absl::StrContains(name, "PATH") || absl::StrContains(name, "FILE") ? Argument::kFile
                                                                            : Argument::kNone;
}

// Options with few values list them in their type: TEXT:{table,json}.
std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t open = type.find('{');
  const size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  return absl::StrSplit(type.substr(open + 1, close - open - 1), ',');
}

void AddArgument(const CLI::App& command, const CLI::Option& option, bool first, CompletionEntry* entry) {
  const Argument argument = ArgumentOf(command, option.get_name(true));
  if (first) {
    entry->argument = argument;
    entry->argument_choices = ChoicesOf(option);
  }
  // Behind the first stands another argument, or the same again where it may be repeated.
  entry->further = first && option.get_items_expected_max() <= 1 ? Argument::kNone : argument;
}

CompletionEntry::Option OptionOf(const CLI::Option& option) {
  CompletionEntry::Option entry;
  for (const std::string& name : option.get_lnames()) entry.names.push_back(absl::StrCat("--", name));
  for (const std::string& name : option.get_snames()) entry.names.push_back(absl::StrCat("-", name));
  entry.takes_value = option.get_items_expected_max() > 0;
  entry.takes_topic = entry.names.front() == "--into";
  entry.choices = ChoicesOf(option);
  const std::vector<std::string> sentences =
      absl::StrSplit(option.get_description(), absl::MaxSplits(':', 1));
  entry.description = sentences.front();
  return entry;
}

void Collect(const CLI::App& command, const std::string& path, std::vector<CompletionEntry>* entries) {
  CompletionEntry entry;
  entry.path = path;
  bool first = true;
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) {
      AddArgument(command, *option, first, &entry);
      first = false;
    } else {
      entry.options.push_back(OptionOf(*option));
    }
  }
  const std::vector<const CLI::App*> below = command.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* sub : below) entry.commands.push_back({sub->get_name(), sub->get_description()});
  entries->push_back(std::move(entry));
  for (const CLI::App* sub : below) {
    Collect(*sub, path.empty() ? sub->get_name() : absl::StrCat(path, " ", sub->get_name()), entries);
  }
}

}  // namespace

std::vector<CompletionEntry> CompletionEntries(const CLI::App& app) {
  std::vector<CompletionEntry> entries;
  Collect(app, "", &entries);
  return entries;
}

}  // namespace leat
