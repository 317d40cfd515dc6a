#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tools/cli/completion.h"

// What the scripts of all shells match the words before the cursor with.

namespace leat {

// The patterns of a shell's `case` that lead one command further down: "path word".
std::string StepPatterns(const std::vector<CompletionEntry>& entries, absl::string_view separator);

// The options that take the next word, as patterns over "path option". Those of the program stand behind
// `any` path.
std::string ValuePatterns(const std::vector<CompletionEntry>& entries, absl::string_view separator,
                          absl::string_view any);

}  // namespace leat
