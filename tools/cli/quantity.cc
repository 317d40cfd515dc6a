#include "tools/cli/quantity.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "tools/cli/exit_code.h"

namespace leat {
namespace {

struct Unit {
  absl::string_view name;
  double factor;
};

constexpr Unit kByteUnits[] = {
    {"", 1},
    {"B", 1},
    {"K", 1024.0},
    {"KiB", 1024.0},
    {"M", 1048576.0},
    {"MiB", 1048576.0},
    {"G", 1073741824.0},
    {"GiB", 1073741824.0},
    {"T", 1099511627776.0},
    {"TiB", 1099511627776.0},
    {"KB", 1e3},
    {"MB", 1e6},
    {"GB", 1e9},
    {"TB", 1e12},
};

constexpr Unit kSpanUnits[] = {
    {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800},
};

// Splits digits (with at most one point) off the front of `text`; false when there are none.
bool TakeNumber(absl::string_view* text, double* number) {
  size_t length = 0;
  while (length < text->size() &&
         (std::isdigit(static_cast<unsigned char>((*text)[length])) != 0 || (*text)[length] == '.')) {
    ++length;
  }
  if (length == 0 || !absl::SimpleAtod(text->substr(0, length), number)) return false;
  text->remove_prefix(length);
  return true;
}

absl::StatusOr<double> ParsePositive(absl::string_view text, absl::string_view expected) {
  double number = 0;
  absl::string_view rest = text;
  if (!TakeNumber(&rest, &number) || !rest.empty() || number <= 0) {
    return UsageError(absl::StrCat("'", text, "' is not ", expected));
  }
  return number;
}

}  // namespace

bool ParseNumber(absl::string_view text, uint64_t* number) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) == 0) return false;
  return absl::SimpleAtoi(text, number) &&
         std::isdigit(static_cast<unsigned char>(text[text.size() - 1])) != 0;
}

absl::StatusOr<uint64_t> ParseByteSize(absl::string_view text) {
  uint64_t whole = 0;
  if (ParseNumber(text, &whole)) return whole;
  double number = 0;
  absl::string_view rest = text;
  if (TakeNumber(&rest, &number)) {
    for (const Unit& unit : kByteUnits) {
      const double bytes = number * unit.factor;
      if (absl::EqualsIgnoreCase(rest, unit.name) && bytes < 9e18) return static_cast<uint64_t>(bytes);
    }
  }
  return UsageError(absl::StrCat("'", text, "' is not a size; write for example 65536, 64KiB or 1MB"));
}

absl::StatusOr<absl::Duration> ParseSpan(absl::string_view text) {
  const absl::Status error = UsageError(
      absl::StrCat("'", text, "' is not a duration; write for example 500ms, 10s, 5m, 1h30m or 7d"));
  if (text == "0") return absl::ZeroDuration();
  if (text.empty()) return error;
  double seconds = 0;
  absl::string_view rest = text;
  while (!rest.empty()) {
    double number = 0;
    if (!TakeNumber(&rest, &number)) return error;
    size_t length = 0;
    while (length < rest.size() && std::isalpha(static_cast<unsigned char>(rest[length])) != 0) ++length;
    const absl::string_view name = rest.substr(0, length);
    const auto* unit = std::find_if(std::begin(kSpanUnits), std::end(kSpanUnits),
                                    [name](const Unit& candidate) { return candidate.name == name; });
    if (unit == std::end(kSpanUnits)) return error;
    seconds += number * unit->factor;
    rest.remove_prefix(length);
  }
  if (seconds > 1e11) return error;
  return absl::Seconds(seconds);
}

absl::StatusOr<double> ParseRate(absl::string_view text) {
  constexpr absl::string_view kExpected = "a rate; write for example 100/s, 60/m or 3600/h";
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  double per = 1;
  if (parts.size() == 2) {
    if (parts[1] != "s" && parts[1] != "m" && parts[1] != "h") {
      return UsageError(absl::StrCat("'", text, "' is not ", kExpected));
    }
    per = parts[1] == "s" ? 1 : parts[1] == "m" ? 60 : 3600;
  }
  absl::StatusOr<double> number = ParsePositive(parts[0], kExpected);
  if (!number.ok()) return UsageError(absl::StrCat("'", text, "' is not ", kExpected));
  return *number / per;
}

absl::StatusOr<double> ParseSpeed(absl::string_view text) {
  absl::string_view number = text;
  if (absl::EndsWith(number, "x")) number.remove_suffix(1);
  absl::StatusOr<double> speed = ParsePositive(number, "");
  if (!speed.ok()) {
    return UsageError(absl::StrCat("'", text, "' is not a speed; write for example 1x, 2x or 0.5x"));
  }
  return speed;
}

absl::StatusOr<std::vector<uint32_t>> ParsePartitions(absl::string_view text) {
  constexpr uint64_t kMost = 1'000'000;
  const absl::Status error =
      UsageError(absl::StrCat("'", text, "' is not a list of partitions; write for example 0,2-4"));
  std::vector<uint32_t> partitions;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, absl::MaxSplits('-', 1));
    uint64_t first = 0;
    uint64_t last = 0;
    if (!ParseNumber(ends[0], &first) || !ParseNumber(ends.back(), &last)) return error;
    if (first > last || last >= kMost) return error;
    for (uint64_t partition = first; partition <= last; ++partition) {
      partitions.push_back(static_cast<uint32_t>(partition));
    }
  }
  std::sort(partitions.begin(), partitions.end());
  partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
  return partitions;
}

std::string Count(uint64_t number, absl::string_view noun) {
  return absl::StrCat(number, " ", noun, number == 1 ? "" : "s");
}

std::string FormatBytes(uint64_t bytes) {
  constexpr absl::string_view kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double amount = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (amount >= 1023.95 && unit + 1 < std::size(kUnits)) {
    amount /= 1024;
    ++unit;
  }
  return absl::StrFormat("%.1f %s", amount, kUnits[unit]);
}

std::string FormatSpan(absl::Duration span) {
  const double seconds = absl::ToDoubleSeconds(span);
  if (seconds < 1e-3) return absl::StrFormat("%.0f us", seconds * 1e6);
  if (seconds < 1) return absl::StrFormat("%.1f ms", seconds * 1e3);
  if (seconds < 60) return absl::StrFormat("%.1f s", seconds);
  const auto whole = static_cast<int64_t>(seconds);
  if (whole < 3600) return absl::StrFormat("%dm %ds", whole / 60, whole % 60);
  if (whole < 86400) return absl::StrFormat("%dh %dm", whole / 3600, whole % 3600 / 60);
  return absl::StrFormat("%dd %dh", whole / 86400, whole % 86400 / 3600);
}

std::string FormatTime(int64_t timestamp_ms) {
  constexpr int64_t kYear0Ms = -62'167'219'200'000;
  constexpr int64_t kYear10000Ms = 253'402'300'800'000;
  if (timestamp_ms < kYear0Ms || timestamp_ms >= kYear10000Ms) return absl::StrCat("@", timestamp_ms);
  return absl::FormatTime("%E4Y-%m-%d%ET%H:%M:%E3SZ", absl::FromUnixMillis(timestamp_ms),
                          absl::UTCTimeZone());
}

}  // namespace leat
