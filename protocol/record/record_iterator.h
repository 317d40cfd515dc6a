#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"

namespace leat {

// One header of a record. The key is never null, the value may be.
struct HeaderView {
  absl::string_view key;
  std::optional<absl::string_view> value;
};

// Headers of one record, decoded one at a time; valid as long as the record is.
class HeaderIterator {
 public:
  HeaderIterator() = default;
  HeaderIterator(int32_t count, absl::string_view encoded) : left_(count), encoded_(encoded) {}
  int32_t left() const { return left_; }
  // False after the last one. The bytes were checked when the record was decoded.
  bool Next(HeaderView* header);

 private:
  int32_t left_ = 0;
  absl::string_view encoded_;
};

// A decoded record. Key, value and headers point into the batch, or into the iterator's buffer when the batch
// is compressed.
struct RecordView {
  Offset offset = 0;
  int64_t timestamp_ms = 0;
  std::optional<absl::string_view> key;
  std::optional<absl::string_view> value;
  HeaderIterator headers;
};

struct DecodeLimits {
  // A batch whose records decompress to more is refused: kCorruptBatch. Nothing is allocated from a declared
  // size; memory grows with what really comes out.
  size_t decompressed_bytes_max = 64 * 1024 * 1024;
};

// Walks the records of one batch, defensively: any bytes give records or kCorruptBatch, never more than
// record_count records, and an error when bytes are left after the last one. Offsets grow from record to
// record and stay within the batch. One thread.
class RecordIterator {
 public:
  // Decompresses the payload when the batch is compressed (kUnsupportedCodec, kCorruptBatch). `batch` must
  // stay alive. The CRC is the caller's business.
  static absl::StatusOr<RecordIterator> Create(const BatchView& batch, const DecodeLimits& limits = {});

  // The next record, or nothing after the last one. After an error the iterator stays at the error.
  absl::StatusOr<std::optional<RecordView>> Next();

  // What decompression gave, held as long as the iterator; 0 for a batch that is not compressed.
  size_t decompressed_bytes() const { return decompressed_ == nullptr ? 0 : decompressed_->size(); }

 private:
  RecordIterator() = default;
  absl::Status Fail(absl::string_view message);

  BatchHeader header_;
  std::unique_ptr<std::string> decompressed_;  // on the heap so that views survive a move of the iterator
  absl::string_view rest_;
  int32_t decoded_ = 0;
  int32_t last_offset_delta_ = -1;
  absl::Status error_;
};

}  // namespace leat
