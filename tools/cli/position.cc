#include "tools/cli/position.h"

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/quantity.h"

namespace leat {
namespace {

using Kind = Position::Kind;

bool ParseOffset(absl::string_view text, int64_t* offset) {
  uint64_t number = 0;
  if (!ParseNumber(text, &number) || number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return false;
  }
  *offset = static_cast<int64_t>(number);
  return true;
}

bool ParseCalendarTime(absl::string_view text, int64_t* time_ms) {
  constexpr absl::string_view kForms[] = {
      "%Y-%m-%d%ET%H:%M:%E*S%Ez",
      "%Y-%m-%d%ET%H:%M%Ez",
      "%Y-%m-%d%ET%H:%M:%E*S",
      "%Y-%m-%d%ET%H:%M",
      "%Y-%m-%d %H:%M:%E*S%Ez",
      "%Y-%m-%d %H:%M:%E*S",
      "%Y-%m-%d",
  };
  // The parser would skip white space and take "infinite-past".
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || text.back() == ' ') return false;
  for (absl::string_view form : kForms) {
    absl::Time time;
    if (absl::ParseTime(form, text, absl::UTCTimeZone(), &time, nullptr)) {
      *time_ms = absl::ToUnixMillis(time);
      return true;
    }
  }
  return false;
}

bool ParseTimeText(absl::string_view text, int64_t now_ms, int64_t* time_ms) {
  if (text == "now") {
    *time_ms = now_ms;
    return true;
  }
  if (ParseOffset(text, time_ms)) return true;
  const bool before = absl::StartsWith(text, "-");
  if (before || absl::StartsWith(text, "+")) {
    const absl::StatusOr<absl::Duration> span = ParseSpan(text.substr(1));
    if (!span.ok()) return false;
    const int64_t distance_ms = absl::ToInt64Milliseconds(*span);
    *time_ms = before ? now_ms - distance_ms : now_ms + distance_ms;
    return true;
  }
  return ParseCalendarTime(text, time_ms);
}

bool ParseOne(absl::string_view text, int64_t now_ms, Position* position) {
  if (text == "start" || text == "end") {
    *position = {text == "start" ? Kind::kStart : Kind::kEnd, 0};
    return true;
  }
  if (text.empty()) return false;
  const absl::string_view rest = text.substr(1);
  switch (text[0]) {
    case '@':
      position->kind = Kind::kTime;
      return ParseTimeText(rest, now_ms, &position->number);
    case '+':
      position->kind = Kind::kFromStart;
      return ParseOffset(rest, &position->number);
    case '-':
      position->kind = Kind::kFromEnd;
      return ParseOffset(rest, &position->number);
    default:
      position->kind = Kind::kOffset;
      return ParseOffset(text, &position->number);
  }
}

bool ParseEnd(absl::string_view text, const std::optional<Position>& from, int64_t now_ms, Position* to) {
  if (ParseOne(text, now_ms, to)) return true;
  if (!from.has_value() || from->kind != Kind::kTime) return false;
  if (absl::StartsWith(text, "-")) return ParseOne(absl::StrCat("@", text), now_ms, to);
  const absl::StatusOr<absl::Duration> span = ParseSpan(absl::StripPrefix(text, "+"));
  if (!span.ok()) return false;
  *to = {Kind::kTime, from->number + absl::ToInt64Milliseconds(*span)};
  return true;
}

// The range when the separator is the colon at `colon`; nothing when one of the sides makes no sense.
std::optional<PositionRange> SplitAt(absl::string_view text, size_t colon, int64_t now_ms) {
  PositionRange range;
  const absl::string_view left = text.substr(0, colon);
  const absl::string_view right = text.substr(colon + 1);
  Position place;
  if (!left.empty()) {
    if (!ParseOne(left, now_ms, &place)) return std::nullopt;
    range.from = place;
  }
  if (!right.empty()) {
    if (!ParseEnd(right, range.from, now_ms, &place)) return std::nullopt;
    range.to = place;
  }
  return range;
}

}  // namespace

absl::StatusOr<Position> ParsePosition(absl::string_view text, int64_t now_ms) {
  Position position;
  if (ParseOne(text, now_ms, &position)) return position;
  return UsageError(absl::StrCat("'", text, "' is not a position; write ", PositionHelp()));
}

absl::StatusOr<PositionRange> ParsePositionRange(absl::string_view text, int64_t now_ms) {
  Position single;
  if (ParseOne(text, now_ms, &single)) return PositionRange{single, std::nullopt};
  // Times hold colons themselves: the first one that leaves sense on both sides separates.
  for (size_t colon = text.find(':'); colon != absl::string_view::npos; colon = text.find(':', colon + 1)) {
    const std::optional<PositionRange> range = SplitAt(text, colon, now_ms);
    if (range.has_value()) return *range;
  }
  return UsageError(absl::StrCat("'", text, "' is not a range; write FROM:TO, FROM: or :TO, each of them ",
                                 PositionHelp()));
}

absl::string_view PositionHelp() {
  return "start, end, OFFSET, +N (N after the start), -N (N before the end), @TIME (RFC 3339, a date, epoch "
         "milliseconds, now) or @-10m (that long ago)";
}

}  // namespace leat
