#include "tools/cli/completion.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"

namespace leat {
namespace {

using Argument = CompletionEntry::Argument;

// Commands say in the names of their arguments what these are.
Argument ArgumentOf(const CLI::App& command) {
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const std::string name = option->get_name(true);
    if (absl::StrContains(name, "TOPIC")) return Argument::kTopic;
    if (absl::StrContains(name, "NAME")) {
      return command.get_name() == "create" ? Argument::kNone : Argument::kTopic;
    }
    if (absl::StrContains(name, "PATH") || absl::StrContains(name, "DIR")) return Argument::kFile;
  }
  return Argument::kNone;
}

// Options with few values list them in their type: TEXT:{table,json}.
std::vector<std::string> ChoicesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const size_t open = type.find('{');
  const size_t close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  return absl::StrSplit(type.substr(open + 1, close - open - 1), ',');
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
  entry.argument = ArgumentOf(command);
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional()) {
      entry.argument_choices = ChoicesOf(*option);
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

std::string CommandNames(const CompletionEntry& entry) {
  return absl::StrJoin(entry.commands, " ", [](std::string* out, const CompletionEntry::Command& command) {
    out->append(command.name);
  });
}

// The patterns of a shell's `case` that lead one command further down: "path word".
std::string StepPatterns(const std::vector<CompletionEntry>& entries, absl::string_view separator) {
  std::vector<std::string> patterns;
  for (const CompletionEntry& entry : entries) {
    for (const auto& command : entry.commands) {
      patterns.push_back(absl::StrCat("'", entry.path, " ", command.name, "'"));
    }
  }
  return absl::StrJoin(patterns, separator);
}

// What follows an option whose values are known: one branch of a `case` over "path option" for each.
std::string ChoiceBranches(const std::vector<CompletionEntry>& entries) {
  std::string branches;
  for (const CompletionEntry& entry : entries) {
    for (const CompletionEntry::Option& option : entry.options) {
      if (!option.takes_value) continue;
      std::vector<std::string> patterns;
      patterns.reserve(option.names.size());
      for (const std::string& name : option.names) {
        patterns.push_back(absl::StrCat("'", entry.path, " ", name, "'"));
      }
      const std::string answer = option.takes_topic ? "topics=1"
                                 : option.choices.empty()
                                     ? "value=1"
                                     : absl::StrCat("offers='", absl::StrJoin(option.choices, " "), "'");
      absl::StrAppend(&branches, "    ", absl::StrJoin(patterns, "|"), ") ", answer, " ;;\n");
    }
  }
  return branches;
}

// What can stand after each command: one branch of a `case` over the path for each.
std::string CommandBranches(const std::vector<CompletionEntry>& entries) {
  const CompletionEntry& root = entries.front();
  std::string branches;
  for (const CompletionEntry& entry : entries) {
    std::vector<std::string> options;
    for (const CompletionEntry* source : {&entry, &root}) {
      if (source == &root && &entry == &root) continue;
      for (const CompletionEntry::Option& option : source->options) {
        const std::string& name = option.names.front();
        if (std::find(options.begin(), options.end(), name) == options.end()) options.push_back(name);
      }
    }
    absl::StrAppend(&branches, "    '", entry.path, "') flags='", absl::StrJoin(options, " "), "'");
    if (!entry.commands.empty()) absl::StrAppend(&branches, " offers='", CommandNames(entry), "'");
    if (!entry.argument_choices.empty()) {
      absl::StrAppend(&branches, " offers='", absl::StrJoin(entry.argument_choices, " "), "'");
    }
    if (entry.argument == Argument::kTopic) absl::StrAppend(&branches, " topics=1");
    if (entry.argument == Argument::kFile || entry.path == "produce") absl::StrAppend(&branches, " files=1");
    absl::StrAppend(&branches, " ;;\n");
  }
  return branches;
}

// bash and zsh share all but the first and the last lines. `at` is the index of the word being completed.
std::string ShellBody(const std::vector<CompletionEntry>& entries) {
  constexpr absl::string_view kBody =
      R"sh(  local sofar='' flags='' offers='' topics='' files='' value='' word address=()
  local index=1
  while [ "$index" -lt "$at" ]; do
    word=${line[index]}
    case "$sofar $word" in
      @STEPS@) sofar="${sofar:+$sofar }$word" ;;
    esac
    if [ "$word" = --address ]; then address=(--address "${line[index+1]}"); fi
    index=$((index + 1))
  done
  case "$sofar $previous" in
@CHOICES@  esac
  case " $previous" in
@GLOBAL@  esac
  if [ -z "$offers$topics$value" ]; then
    case "$sofar" in
@COMMANDS@    esac
    case "$current" in -*) offers=$flags topics='' files='' ;; esac
  fi
  if [ -n "$topics" ]; then
    offers="$offers $("$program" topic list -o name --timeout 2s "${address[@]}" 2>/dev/null)"
  fi
)sh";
  const std::string choices = ChoiceBranches(entries);
  const std::string global = ChoiceBranches({entries.front()});
  return absl::StrReplaceAll(kBody, {{"@STEPS@", StepPatterns(entries, "|")},
                                     {"@CHOICES@", choices},
                                     {"@GLOBAL@", global},
                                     {"@COMMANDS@", CommandBranches(entries)}});
}

std::string FishQuote(absl::string_view text) {
  return absl::StrCat("'", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"'", "\\'"}}), "'");
}

std::string FishOption(const CompletionEntry& entry, const CompletionEntry::Option& option) {
  // Options of the program are good everywhere.
  std::string text = "complete -c leat";
  if (!entry.path.empty()) {
    absl::StrAppend(&text, " -n ", FishQuote(absl::StrCat("__leat_at '", entry.path, "'")));
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

std::vector<CompletionEntry> CompletionEntries(const CLI::App& app) {
  std::vector<CompletionEntry> entries;
  Collect(app, "", &entries);
  return entries;
}

std::string BashCompletion(const std::vector<CompletionEntry>& entries) {
  return absl::StrCat(R"sh(# Completion of leat for bash: source <(leat completion bash)
_leat() {
  local line=("${COMP_WORDS[@]}") at=$COMP_CWORD program=${COMP_WORDS[0]}
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
)sh",
                      ShellBody(entries), R"sh(  COMPREPLY=($(compgen -W "$offers" -- "$current"))
  if [ -n "$files" ] && [ ${#COMPREPLY[@]} -eq 0 ]; then compopt -o default; fi
}
complete -F _leat leat
)sh");
}

std::string ZshCompletion(const std::vector<CompletionEntry>& entries) {
  return absl::StrCat(R"sh(#compdef leat
# Completion of leat for zsh: source <(leat completion zsh), or save as _leat in a directory of $fpath.
_leat() {
  emulate -L zsh
  setopt ksh_arrays
  local -a line
  line=("${words[@]}")
  local at=$((CURRENT - 1)) program=${words[0]}
  local current=${line[at]} previous=${line[at-1]}
  _leat_find
}
_leat_find() {
)sh",
                      ShellBody(entries), R"sh(  emulate -L zsh
  local -a found
  found=(${=offers})
  compadd -- $found
  if [ -n "$files" ]; then _files; fi
}
if [ "$funcstack[1]" = _leat ]; then _leat "$@"; else compdef _leat leat; fi
)sh");
}

std::string FishCompletion(const std::vector<CompletionEntry>& entries) {
  std::string script = absl::StrCat(R"sh(# Completion of leat for fish: leat completion fish | source
function __leat_at
    set -l sofar ''
    for word in (commandline -opc)[2..-1]
        switch "$sofar $word"
            case )sh",
                                    StepPatterns(entries, " "), R"sh(
                set sofar (string trim "$sofar $word")
        end
    end
    test "$sofar" = "$argv[1]"
end
function __leat_topics
    leat topic list -o name --timeout 2s 2>/dev/null
end
complete -c leat -f
)sh");
  for (const CompletionEntry& entry : entries) {
    const std::string here =
        absl::StrCat("complete -c leat -n ", FishQuote(absl::StrCat("__leat_at '", entry.path, "'")));
    for (const auto& command : entry.commands) {
      absl::StrAppend(&script, here, " -a ", command.name, " -d ", FishQuote(command.description), "\n");
    }
    if (entry.argument == Argument::kTopic) absl::StrAppend(&script, here, " -a '(__leat_topics)'\n");
    if (entry.argument == Argument::kFile || entry.path == "produce") absl::StrAppend(&script, here, " -F\n");
    if (!entry.argument_choices.empty()) {
      absl::StrAppend(&script, here, " -a ", FishQuote(absl::StrJoin(entry.argument_choices, " ")), "\n");
    }
    for (const CompletionEntry::Option& option : entry.options) {
      absl::StrAppend(&script, FishOption(entry, option));
    }
  }
  return script;
}

}  // namespace leat
