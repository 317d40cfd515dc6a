#include "storage/log/file_names.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace leat {
namespace {

constexpr size_t kDigits = 20;
// Leaves room for the 32-bit offsets relative to it.
constexpr Offset kBaseMax = std::numeric_limits<Offset>::max() - (Offset{1} << 32);
constexpr absl::string_view kTornMark = ".torn-";
constexpr absl::string_view kTemporarySuffix = ".tmp";

LogFileKind KindOfSuffix(absl::string_view suffix) {
  if (suffix == kLogSuffix) return LogFileKind::kLog;
  if (suffix == kIndexSuffix) return LogFileKind::kIndex;
  if (suffix == kTimeIndexSuffix) return LogFileKind::kTimeIndex;
  if (absl::StartsWith(suffix, kTornMark)) return LogFileKind::kTorn;
  return LogFileKind::kUnknown;
}

}  // namespace

std::string SegmentFileName(Offset base, absl::string_view suffix) {
  const std::string digits = absl::StrCat(base);
  return absl::StrCat(std::string(kDigits - std::min(kDigits, digits.size()), '0'), digits, suffix);
}

std::string SegmentPath(absl::string_view dir, Offset base, absl::string_view suffix) {
  return absl::StrCat(dir, "/", SegmentFileName(base, suffix));
}

std::string TornFileName(Offset base, uint64_t position) {
  return SegmentFileName(base, absl::StrCat(kTornMark, position));
}

LogFileName ParseLogFileName(absl::string_view name) {
  if (name == kPreparedName) return {LogFileKind::kTemporary, 0};
  const bool temporary = absl::EndsWith(name, kTemporarySuffix);
  if (temporary) name.remove_suffix(kTemporarySuffix.size());
  LogFileName parsed;
  if (name.size() <= kDigits) return {};
  const absl::string_view digits = name.substr(0, kDigits);
  if (!std::all_of(digits.begin(), digits.end(), absl::ascii_isdigit)) return {};
  if (!absl::SimpleAtoi(digits, &parsed.base) || parsed.base > kBaseMax) return {};
  parsed.kind = KindOfSuffix(name.substr(kDigits));
  // A segment's log is never replaced as a whole, so "....log.tmp" is not ours.
  if (!temporary) return parsed;
  if (parsed.kind == LogFileKind::kUnknown || parsed.kind == LogFileKind::kLog) return {};
  parsed.kind = LogFileKind::kTemporary;
  return parsed;
}

}  // namespace leat
