#include "tools/cli/completion_patterns.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace leat {

std::string StepPatterns(const std::vector<CompletionEntry>& entries, absl::string_view separator) {
  std::vector<std::string> patterns;
  for (const CompletionEntry& entry : entries) {
    for (const auto& command : entry.commands) {
      patterns.push_back(absl::StrCat("'", entry.path, " ", command.name, "'"));
    }
  }
  return absl::StrJoin(patterns, separator);
}

std::string ValuePatterns(const std::vector<CompletionEntry>& entries, absl::string_view separator,
                          absl::string_view any) {
  std::vector<std::string> patterns;
  for (const CompletionEntry& entry : entries) {
    for (const CompletionEntry::Option& option : entry.options) {
      if (!option.takes_value) continue;
      for (const std::string& name : option.names) {
        patterns.push_back(entry.path.empty() ? absl::StrCat(any, " ", name, "'")
                                              : absl::StrCat("'", entry.path, " ", name, "'"));
      }
    }
  }
  return absl::StrJoin(patterns, separator);
}

}  // namespace leat
