#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Places in a topic as people write them (--from, --to, --offset). Errors are usage errors.

namespace leat {

struct Position {
  enum class Kind {
    kStart,      // "start": the first record still kept
    kEnd,        // "end": behind the last record that is visible now
    kOffset,     // "47": this offset, in each partition
    kFromStart,  // "+5": 5 offsets after the start
    kFromEnd,    // "-3": 3 offsets before the end
    kTime,       // "@...": the first record of this time or later
  };
  Kind kind = Kind::kStart;
  int64_t number = 0;  // offset, distance, or milliseconds since the epoch

  bool operator==(const Position& other) const { return kind == other.kind && number == other.number; }
};

struct PositionRange {
  std::optional<Position> from;
  std::optional<Position> to;  // the first place that is no longer wanted
};

// One place. Times: "@2024-05-01T10:30:00Z" (RFC 3339; without zone UTC, a date alone is its midnight),
// "@1714559400000" (milliseconds since the epoch), "@-10m" and "@now", seen from `now_ms`.
absl::StatusOr<Position> ParsePosition(absl::string_view text, int64_t now_ms);

// "A:B", "A:", ":B" or "A" alone. After a time, B may be a duration: "@2024-05-01:1h" ends
// an hour after it begins, "@-2h:-1h" an hour ago.
absl::StatusOr<PositionRange> ParsePositionRange(absl::string_view text, int64_t now_ms);

// The forms of ParsePosition in one line, for --help.
absl::string_view PositionHelp();

}  // namespace leat
