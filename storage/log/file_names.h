#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"

// The names in a partition's directory; storage/FORMAT.md lists them.

namespace leat {

inline constexpr absl::string_view kLogSuffix = ".log";
inline constexpr absl::string_view kIndexSuffix = ".index";
inline constexpr absl::string_view kTimeIndexSuffix = ".timeindex";
// The next segment, made ahead of its roll.
inline constexpr absl::string_view kPreparedName = "next-segment.tmp";

enum class LogFileKind {
  kLog,
  kIndex,
  kTimeIndex,
  kTorn,       // what recovery cut, kept for people
  kTemporary,  // of an unfinished step; swept at the next open
  kUnknown,
};

struct LogFileName {
  LogFileKind kind = LogFileKind::kUnknown;
  Offset base = 0;  // of kLog, kIndex, kTimeIndex and kTorn
};

// "00000000000000000042.log" for 42 and ".log".
std::string SegmentFileName(Offset base, absl::string_view suffix);
// The same with the directory before it.
std::string SegmentPath(absl::string_view dir, Offset base, absl::string_view suffix);
// "00000000000000000042.torn-<position>": what was cut from byte `position` of a segment's log on.
std::string TornFileName(Offset base, uint64_t position);

LogFileName ParseLogFileName(absl::string_view name);

}  // namespace leat
