#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// Amounts as people type and read them. Errors are usage errors that say what was expected.

namespace leat {

// "4096", "64KiB", "1.5MB", "4M": bytes. K, M, G, T and KiB... are powers of 1024; KB, MB... powers of 1000.
absl::StatusOr<uint64_t> ParseByteSize(absl::string_view text);

// "250ms", "10s", "5m", "1h30m", "7d", "2w"; a bare "0" too. Never negative.
absl::StatusOr<absl::Duration> ParseSpan(absl::string_view text);

// Records per second: "100/s", "100", "2.5/s", "60/m", "3600/h". Above 0.
absl::StatusOr<double> ParseRate(absl::string_view text);

// A factor: "2x", "0.5x", "1". Above 0.
absl::StatusOr<double> ParseSpeed(absl::string_view text);

// "0,2-4": partition numbers, sorted, each once.
absl::StatusOr<std::vector<uint32_t>> ParsePartitions(absl::string_view text);

// A whole number without sign, nothing around it.
bool ParseNumber(absl::string_view text, uint64_t* number);

// "1.5 MiB", "312 B".
// "1 record", "2 records".
std::string Count(uint64_t number, absl::string_view noun);
std::string FormatBytes(uint64_t bytes);

// "850 us", "12.3 ms", "4.2 s", "3m 12s", "2d 4h".
std::string FormatSpan(absl::Duration span);

// "2024-05-01T10:30:00.123Z"; what lies outside the years 0 to 9999 as "@<ms>".
std::string FormatTime(int64_t timestamp_ms);

}  // namespace leat
