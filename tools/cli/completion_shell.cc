// The scripts for bash and zsh.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/cli/completion.h"
#include "tools/cli/completion_patterns.h"

namespace leat {
namespace {

using Argument = CompletionEntry::Argument;

std::string CommandNames(const CompletionEntry& entry) {
  return absl::StrJoin(entry.commands, " ", [](std::string* out, const CompletionEntry::Command& command) {
    out->append(command.name);
  });
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

absl::string_view AnswerOf(Argument argument) {
  switch (argument) {
    case Argument::kTopic:
      return "topics=1";
    case Argument::kFile:
      return "files=1";
    case Argument::kDirectory:
      return "directories=1";
    case Argument::kNone:
      break;
  }
  return ":";
}

// What can stand after each command: one branch of a `case` over the path for each.
std::string CommandBranches(const std::vector<CompletionEntry>& entries) {
  const CompletionEntry& root = entries.front();
  std::string branches;
  for (const CompletionEntry& entry : entries) {
    std::vector<std::string> options;
    for (const CompletionEntry* source : {&entry, &root}) {
      for (const CompletionEntry::Option& option : source->options) {
        const std::string& name = option.names.front();
        if (std::find(options.begin(), options.end(), name) == options.end()) options.push_back(name);
      }
    }
    absl::StrAppend(&branches, "    '", entry.path, "') flags='", absl::StrJoin(options, " "), "'");
    if (!entry.commands.empty()) absl::StrAppend(&branches, " offers='", CommandNames(entry), "'");
    const std::string first = entry.argument_choices.empty()
                                  ? std::string(AnswerOf(entry.argument))
                                  : absl::StrCat("offers='", absl::StrJoin(entry.argument_choices, " "), "'");
    absl::StrAppend(&branches, "; if [ $given -eq 0 ]; then ", entry.commands.empty() ? first : ":",
                    "; else ", AnswerOf(entry.further), "; fi ;;\n");
  }
  return branches;
}

// bash and zsh share all but the first and the last lines. `at` is the index of the word being completed.
std::string ShellBody(const std::vector<CompletionEntry>& entries) {
  constexpr absl::string_view kBody =
      R"sh(  local sofar='' flags='' value='' word given=0 address=()
  offers='' topics='' files='' directories='' joined=''
  local index=1
  while [ "$index" -lt "$at" ]; do
    word=${line[index]}
    case "$sofar $word" in
      @STEPS@) sofar="${sofar:+$sofar }$word" ;;
      @VALUES@)
        if [ "$word" = --address ]; then address=(--address "${line[index+1]}"); fi
        index=$((index + 1)) ;;
      *' --address='*) address=("$word") ;;
      *' -'?*) ;;
      *) given=$((given + 1)) ;;
    esac
    index=$((index + 1))
  done
  case "$current" in
    --*=*) joined=1 previous=${current%%=*} current=${current#*=} ;;
  esac
  case "$sofar $previous" in
@CHOICES@  esac
  case " $previous" in
@GLOBAL@  esac
  if [ -z "$offers$topics$value" ]; then
    case "$sofar" in
@COMMANDS@    esac
    case "$current" in -*) offers=$flags topics='' files='' directories='' ;; esac
  fi
  if [ -n "$topics" ]; then
    offers="$offers $("$program" topic list -o name --timeout 2s "${address[@]}" 2>/dev/null)"
  fi
)sh";
  const std::string choices = ChoiceBranches(entries);
  const std::string global = ChoiceBranches({entries.front()});
  return absl::StrReplaceAll(kBody, {{"@STEPS@", StepPatterns(entries, "|")},
                                     {"@VALUES@", ValuePatterns(entries, "|", "*'")},
                                     {"@CHOICES@", choices},
                                     {"@GLOBAL@", global},
                                     {"@COMMANDS@", CommandBranches(entries)}});
}

}  // namespace

std::string BashCompletion(const std::vector<CompletionEntry>& entries) {
  return absl::StrCat(R"sh(# Completion of leat for bash: source <(leat completion bash)
_leat() {
  # bash takes words apart at ':' and '=', too: together again are those that no space separates.
  local line=() at=0 rest=$COMP_LINE piece piece_index=0 program=${COMP_WORDS[0]}
  for piece in "${COMP_WORDS[@]}"; do
    if [ ${#line[@]} -eq 0 ] || [ "${rest#[[:space:]]}" != "$rest" ]; then line+=(''); fi
    rest="${rest#"${rest%%[![:space:]]*}"}"
    line[-1]+=$piece
    rest=${rest#"$piece"}
    if [ $piece_index -eq $COMP_CWORD ]; then at=$((${#line[@]} - 1)); break; fi
    piece_index=$((piece_index + 1))
  done
  local current=${line[at]} previous=${line[at-1]} offers topics files directories joined
)sh",
                      ShellBody(entries), R"sh(  if [ -n "$files$directories" ]; then
    local kind=-f
    if [ -n "$directories" ]; then kind=-d; fi
    mapfile -t COMPREPLY < <(compgen $kind -- "$current")
    compopt -o filenames
  else
    COMPREPLY=($(compgen -W "$offers" -- "$current"))
  fi
  # bash puts the answer behind the last of those separators.
  local head=${current%"${current##*[:=]}"}
  if [ -n "$head" ]; then COMPREPLY=("${COMPREPLY[@]#"$head"}"); fi
}
complete -F _leat leat
)sh");
}

std::string ZshCompletion(const std::vector<CompletionEntry>& entries) {
  return absl::StrCat(R"sh(#compdef leat
# Completion of leat for zsh: source <(leat completion zsh), or save as _leat in a directory of $fpath.
# The functions of the completion system need the options that it has set: emulate stays in _leat_find.
_leat() {
  local offers topics files directories joined
  _leat_find
  local -a found
  found=(${=offers})
  if [ -n "$joined" ]; then compset -P '*='; fi
  compadd -- $found
  if [ -n "$files" ]; then _files; fi
  if [ -n "$directories" ]; then _files -/; fi
}
_leat_find() {
  emulate -L zsh
  setopt ksh_arrays
  local -a line
  line=("${words[@]}")
  local at=$((CURRENT - 1)) program=${words[0]}
  local current=${line[at]} previous=${line[at-1]}
)sh",
                      ShellBody(entries), R"sh(}
if [ "$funcstack[1]" = _leat ]; then _leat "$@"; else compdef _leat leat; fi
)sh");
}

}  // namespace leat
