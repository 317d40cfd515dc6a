#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

// Settings as people write them: sizes, durations, and help for mistyped names. Pure; any thread.

namespace leat {

// "4096", "64KiB", "1.5 GB": a number of bytes, with at most one of the units B, kB, KB, MB, GB, TB (powers
// of 1000) or KiB, MiB, GiB, TiB (powers of 1024). Nothing when it is malformed, negative, not whole or too
// large.
std::optional<int64_t> ParseByteSize(absl::string_view text);

// The shortest exact form that ParseByteSize takes back: "128MiB", "1000".
std::string FormatByteSize(int64_t bytes);

// "500ms", "30s", "10m", "2h", "7d", "2w", or a bare number of milliseconds. Nothing when it is malformed,
// negative, not whole or too large.
std::optional<int64_t> ParseMilliseconds(absl::string_view text);

// The shortest exact form that ParseMilliseconds takes back: "7d", "1500ms".
std::string FormatMilliseconds(int64_t milliseconds);

// The known name that differs from `name` by the fewest edits; empty when none is near enough to be meant.
absl::string_view NearestName(absl::string_view name, absl::Span<const absl::string_view> known);

}  // namespace leat
