#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_builder.h"
#include "tests/support/seeded_random.h"

// Batches in one line each, for tests of the layers above the format.

namespace leat {

// A record that owns its bytes.
struct TestRecord {
  Offset offset = 0;  // filled in by DecodeBatches
  int64_t timestamp_ms = 1'700'000'000'000;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  bool operator==(const TestRecord&) const = default;
};

// One batch with base offset 0. Fails the test and gives "" when it cannot be built.
std::string MakeBatch(const std::vector<TestRecord>& records, const BatchOptions& options = {});

// One batch of records that have only a value and a timestamp.
std::string MakeValueBatch(const std::vector<std::string>& values, int64_t timestamp_ms = 1'700'000'000'000);

// `batch` as a broker stores it at `base_offset`.
std::string AtOffset(std::string batch, Offset base_offset, int32_t leader_epoch = 0);

// Records with and without keys, values and headers, values up to `value_bytes_max`; timestamps do not go
// back.
std::vector<TestRecord> RandomRecords(size_t count, size_t value_bytes_max, SeededRandom& random);

// All records of batches that lie back to back. An error when a batch or what is left at the end is damaged.
absl::StatusOr<std::vector<TestRecord>> DecodeBatches(absl::string_view bytes);

}  // namespace leat
