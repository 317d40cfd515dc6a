#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leat {

// The one of `names` that `name` was most likely meant to be: at most a third of its letters differ
// (inserted, left out, changed, or two neighbours swapped). Empty when none is near.
std::string NearestName(absl::string_view name, const std::vector<std::string>& names);

// "a, b, c", with "and 7 more" after `most` names.
std::string JoinNames(const std::vector<std::string>& names, size_t most);

}  // namespace leat
