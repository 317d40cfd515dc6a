#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/strings/string_view.h"

// Scripts by which shells complete the command line. They are made from the grammar itself, so that they name
// what there is; names of topics they get from the daemon.

namespace leat {

// What the scripts have to know of one command.
struct CompletionEntry {
  enum class Argument { kNone, kTopic, kFile, kDirectory };
  struct Option {
    std::vector<std::string> names;    // "--output", "-o"
    std::vector<std::string> choices;  // of its value, where there are few
    bool takes_value = false;
    bool takes_topic = false;
    std::string description;
  };
  struct Command {
    std::string name;
    std::string description;
  };

  std::string path;  // "topic create"; empty: the program itself
  std::vector<Command> commands;
  std::vector<Option> options;
  Argument argument = Argument::kNone;  // the first one
  Argument further = Argument::kNone;   // all behind it
  std::vector<std::string> argument_choices;
};

// The program first, then every command below it.
std::vector<CompletionEntry> CompletionEntries(const CLI::App& app);

std::string BashCompletion(const std::vector<CompletionEntry>& entries);
std::string ZshCompletion(const std::vector<CompletionEntry>& entries);
std::string FishCompletion(const std::vector<CompletionEntry>& entries);

}  // namespace leat
