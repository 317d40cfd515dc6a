#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"

// Compression of a batch's records, framed as other implementations of the format expect it; the framing is
// described in protocol/RECORD_BATCH.md.

namespace leat {

// Appends the compressed form of `data` to *out. Fails only for want of memory (kLimitExceeded) or for more
// than 2 GiB (kBatchTooLarge). Any thread.
absl::Status Compress(Codec codec, absl::string_view data, std::string* out);

// The decompressed bytes. `codec_id` comes from a batch: kUnsupportedCodec when there is no such codec.
// kCorruptBatch when the data is damaged, cut off, followed by something else, or gives more than `bytes_max`
// bytes. Memory grows with what comes out of the data; sizes that the data declares are not believed. Any
// thread.
absl::StatusOr<std::string> Decompress(uint8_t codec_id, absl::string_view data, size_t bytes_max);

// Bounds of what data decompresses to, both inclusive.
struct ContentSize {
  uint64_t least = 0;
  uint64_t most = 0;
};

// What the frames around the compressed data tell of its size, without decompressing it: a walk over the
// block headers. The bounds hold for whatever Decompress accepts; they are exact for snappy, for gzip of one
// member and where frames declare their content size. kCorruptBatch when the frames do not fit the data,
// kUnsupportedCodec. Any thread.
absl::StatusOr<ContentSize> BoundContentSize(uint8_t codec_id, absl::string_view data);

}  // namespace leat
