#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"

namespace leat {

// How far the broker looks into a batch that a client sent (topic option `validation`).
enum class Validation : uint8_t {
  kHeader,  // header and CRC
  kParse,   // and the records of uncompressed batches, the frames of compressed ones; the default
  kDeep,    // and the records of compressed batches
};

struct ValidationOptions {
  size_t batch_bytes_max = 4 * 1024 * 1024;
  Validation validation = Validation::kParse;
  // Range that base and max timestamp (and, where records are opened, each timestamp) must lie in.
  int64_t timestamp_min_ms = 0;
  int64_t timestamp_max_ms = std::numeric_limits<int64_t>::max();
  size_t decompressed_bytes_max = 64 * 1024 * 1024;
};

// The broker's check of a batch from a client: `bytes` is exactly one batch. Pure. Gives the header to append
// with. The error names the rule that was broken: kBatchTooLarge, kCorruptBatch, kInvalidBatch,
// kInvalidTimestamp, kUnsupportedCodec. RECORD_BATCH.md lists the rules.
absl::StatusOr<BatchHeader> ValidateBatch(absl::string_view bytes, const ValidationOptions& options);

// The check of a batch read back from a segment: length inside `bytes`, magic, CRC, offsets. Used by
// recovery, `leat log verify` and the client alike.
absl::StatusOr<BatchView> CheckStoredBatch(absl::string_view bytes);

}  // namespace leat
