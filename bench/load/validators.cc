#include "bench/load/validators.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tools/cli/quantity.h"

namespace leat {

CLI::Validator WholeNumber(uint64_t least, uint64_t most) {
  return CLI::Validator(
      [least, most](const std::string& text) {
        uint64_t number = 0;
        if (ParseNumber(text, &number) && number >= least && number <= most) return std::string();
        return absl::StrCat("'", text, "' is not a whole number from ", least, " to ", most);
      },
      absl::StrCat(least, " to ", most));
}

CLI::Validator Number(double least, double most) {
  return CLI::Validator(
      [least, most](const std::string& text) {
        double number = 0;
        if (absl::SimpleAtod(text, &number) && number >= least && number <= most) return std::string();
        return absl::StrCat("'", text, "' is not a number from ", least, " to ", most);
      },
      absl::StrCat(least, " to ", most));
}

CLI::Validator Size(uint64_t most) {
  return CLI::Validator(
      [most](std::string& text) {
        const absl::StatusOr<uint64_t> bytes = ParseByteSize(text);
        if (!bytes.ok()) return std::string(bytes.status().message());
        if (*bytes < 1 || *bytes > most) {
          return absl::StrCat("'", text, "' is not from 1 byte to ", FormatBytes(most));
        }
        text = absl::StrCat(*bytes);
        return std::string();
      },
      absl::StrCat("1 to ", FormatBytes(most)));
}

CLI::Validator OneOf(std::vector<std::string> names) {
  const std::string list = absl::StrJoin(names, ", ");
  return CLI::Validator(
      [names = std::move(names), list](const std::string& text) {
        if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
        return absl::StrCat("'", text, "' is none of ", list);
      },
      "");
}

}  // namespace leat
