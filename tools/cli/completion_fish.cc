// The script for fish.

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/cli/completion.h"
#include "tools/cli/completion_patterns.h"

namespace leat {
namespace {

using Argument = CompletionEntry::Argument;

std::string FishQuote(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

std::string FishCondition(absl::string_view path, absl::string_view argument) {
  const std::string place = argument.empty() ? std::string() : absl::StrCat(" ", argument);
  return absl::StrCat("complete -c leat -n ", FishQuote(absl::StrCat("__leat_at '", path, "'", place)));
}

// `which`: "first" or "further".
std::string FishArgument(const CompletionEntry& entry, absl::string_view which, Argument argument) {
  const std::string here = FishCondition(entry.path, which);
  if (which == "first" && !entry.argument_choices.empty()) {
    return absl::StrCat(here, " -a ", FishQuote(absl::StrJoin(entry.argument_choices, " ")), "\n");
  }
  switch (argument) {
    case Argument::kTopic:
      return absl::StrCat(here, " -a '(__leat_topics)'\n");
    case Argument::kFile:
      return absl::StrCat(here, " -F\n");
    case Argument::kDirectory:
      return absl::StrCat(here, " -a '(__fish_complete_directories)'\n");
    case Argument::kNone:
      break;
  }
  return "";
}

std::string FishOption(const CompletionEntry& entry, const CompletionEntry::Option& option) {
  // Options of the program are good everywhere.
  std::string text = "complete -c leat";
  if (!entry.path.empty()) {
    text = FishCondition(entry.path, "");
  }
  for (const std::string& name : option.names) {
    absl::StrAppend(&text, name.size() > 2 ? " -l " : " -s ", name.substr(name.size() > 2 ? 2 : 1));
  }
  if (option.takes_topic) {
    absl::StrAppend(&text, " -x -a '(__leat_topics)'");
  } else if (!option.choices.empty()) {
    absl::StrAppend(&text, " -x -a ", FishQuote(absl::StrJoin(option.choices, " ")));
  } else if (option.takes_value) {
    absl::StrAppend(&text, " -x");
  }
  return absl::StrCat(text, " -d ", FishQuote(option.description), "\n");
}

}  // namespace

std::string FishCompletion(const std::vector<CompletionEntry>& entries) {
  std::string script = absl::StrCat(R"sh(# Completion of leat for fish: leat completion fish | source
function __leat_at
    set -l sofar ''
    set -l given 0
    set -l takes_next 0
    for word in (commandline -opc)[2..-1]
        if test $takes_next = 1
            set takes_next 0
            continue
        end
        switch "$sofar $word"
            case )sh",
                                    StepPatterns(entries, " "), R"sh(
                set sofar (string trim "$sofar $word")
            case )sh",
                                    ValuePatterns(entries, " ", "'*"), R"sh(
                set takes_next 1
            case '* -?*'
            case '*'
                set given (math $given + 1)
        end
    end
    test "$sofar" = "$argv[1]"; or return 1
    switch "$argv[2]"
        case first
            test $given -eq 0
        case further
            test $given -gt 0
        case '*'
            true
    end
end
function __leat_topics
    leat topic list -o name --timeout 2s 2>/dev/null
end
complete -c leat -f
)sh");
  for (const CompletionEntry& entry : entries) {
    for (const auto& command : entry.commands) {
      absl::StrAppend(&script, FishCondition(entry.path, ""), " -a ", command.name, " -d ",
                      FishQuote(command.description), "\n");
    }
    absl::StrAppend(&script, FishArgument(entry, "first", entry.argument),
                    FishArgument(entry, "further", entry.further));
    for (const CompletionEntry::Option& option : entry.options) {
      absl::StrAppend(&script, FishOption(entry, option));
    }
  }
  return script;
}

}  // namespace leat
