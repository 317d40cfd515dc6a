#include "tools/cli/range_options.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/quantity.h"

namespace leat {

CLI::Validator NotEmpty() {
  return CLI::Validator(
      [](const std::string& text) {
        return text.empty() ? std::string("needs a value; leave the option out for its default")
                            : std::string();
      },
      "");
}

void AddRangeOptions(CLI::App* command, RangeOptions* options, const std::string& to_remark) {
  const std::string places(PositionHelp());
  CLI::Option* const from =
      command->add_option("--from", options->from, absl::StrCat("first record: ", places, ". Default: start"))
          ->check(NotEmpty());
  CLI::Option* const to =
      command
          ->add_option("--to", options->to,
                       absl::StrCat("where to stop, itself not included: as --from. ", to_remark))
          ->check(NotEmpty());
  command->add_option("--offset", options->offset, "both in one: FROM:TO, FROM: or :TO, also @TIME:1h")
      ->check(NotEmpty())
      ->excludes(from)
      ->excludes(to);
  command->add_option("--partitions", options->partitions, "only these, for example 0,2-4. Default: all")
      ->check(NotEmpty());
}

absl::StatusOr<RangeRequest> ParseRangeOptions(const RangeOptions& options, int64_t now_ms) {
  RangeRequest request;
  request.now_ms = now_ms;
  if (!options.offset.empty()) {
    absl::StatusOr<PositionRange> range = ParsePositionRange(options.offset, now_ms);
    if (!range.ok()) return range.status();
    request.range = *range;
  }
  for (const auto& [text, place] :
       {std::pair(&options.from, &request.range.from), std::pair(&options.to, &request.range.to)}) {
    if (text->empty()) continue;
    absl::StatusOr<Position> position = ParsePosition(*text, now_ms);
    if (!position.ok()) return position.status();
    *place = *position;
  }
  if (!options.partitions.empty()) {
    absl::StatusOr<std::vector<uint32_t>> partitions = ParsePartitions(options.partitions);
    if (!partitions.ok()) return partitions.status();
    request.partitions = *std::move(partitions);
  }
  return request;
}

}  // namespace leat
