#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/record/codec.h"

// What the codecs have in common, and one pair of functions for each. Only codec*.cc include this.

namespace leat {

// Where decompressed bytes go: a string that grows step by step, up to a limit.
class CappedOutput {
 public:
  // `input_bytes` is what there is to decompress; the first step is taken from it.
  CappedOutput(size_t input_bytes, size_t bytes_max);

  // At least one byte to write to next. Valid until the next call.
  absl::Span<char> Room();
  // Exactly `bytes` to write to; kCorruptBatch when that is over the limit. The caller knows that they will
  // come.
  absl::StatusOr<absl::Span<char>> Room(size_t bytes);
  // `bytes` of the room were written. kCorruptBatch when that is over the limit.
  absl::Status Commit(size_t bytes);

  size_t bytes_left() const { return bytes_max_ - used_; }
  std::string Take();

 private:
  size_t bytes_max_;
  size_t step_;
  size_t used_ = 0;
  std::string buffer_;
};

absl::Status CorruptData(absl::string_view codec, absl::string_view what);
absl::Status OverDecompressionLimit(size_t bytes_max);
absl::Status OutOfMemory(absl::string_view codec);

// What a stream of frames gives, block by block.
inline void AddContent(ContentSize* size, uint64_t least, uint64_t most) {
  size->least += least;
  size->most += most;
}

absl::StatusOr<ContentSize> GzipContentSize(absl::string_view data);
absl::StatusOr<ContentSize> SnappyContentSize(absl::string_view data);
absl::StatusOr<ContentSize> Lz4ContentSize(absl::string_view data);
absl::StatusOr<ContentSize> ZstdContentSize(absl::string_view data);

absl::Status GzipCompress(absl::string_view data, std::string* out);
absl::Status GzipDecompress(absl::string_view data, CappedOutput* out);
absl::Status SnappyCompress(absl::string_view data, std::string* out);
absl::Status SnappyDecompress(absl::string_view data, CappedOutput* out);
absl::Status Lz4Compress(absl::string_view data, std::string* out);
absl::Status Lz4Decompress(absl::string_view data, CappedOutput* out);
absl::Status ZstdCompress(absl::string_view data, std::string* out);
absl::Status ZstdDecompress(absl::string_view data, CappedOutput* out);

}  // namespace leat
