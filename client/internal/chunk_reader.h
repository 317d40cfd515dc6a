#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/consumed_record.h"
#include "protocol/record/batch.h"
#include "protocol/record/record_iterator.h"

namespace leat {

// What one fetch brought for one partition: whole batches, back to back.
struct FetchedChunk {
  std::shared_ptr<const std::string> topic;
  int32_t partition = 0;
  std::string bytes;
};

// One batch of a chunk, opened for decoding. Keeps the chunk, and what was decompressed, alive for its
// records.
class FetchedBatch {
 public:
  FetchedBatch(std::shared_ptr<const FetchedChunk> chunk, RecordIterator iterator)
      : chunk_(std::move(chunk)), iterator_(std::move(iterator)) {}

  const std::string& topic() const { return *chunk_->topic; }
  int32_t partition() const { return chunk_->partition; }
  RecordIterator& iterator() { return iterator_; }

 private:
  const std::shared_ptr<const FetchedChunk> chunk_;
  RecordIterator iterator_;
};

// Where the batches of `bytes` end: walks the headers alone, without checksums. kCorruptBatch when they are
// not whole batches, or end below `asked`, so that a consumer would ask for the same again for ever.
absl::StatusOr<Offset> EndOfBatches(absl::string_view bytes, Offset asked);

// Decodes a chunk lazily, batch by batch: checksum, decompression, records. Control batches are skipped. One
// thread at a time.
class ChunkReader {
 public:
  explicit ChunkReader(std::shared_ptr<const FetchedChunk> chunk) : chunk_(std::move(chunk)) {}

  // Appends at most `count` records from `*position` on and moves it behind them. An error (kCorruptBatch,
  // kUnsupportedCodec) names the place; what was appended before it is good.
  absl::Status Read(Offset* position, size_t count, const DecodeLimits& limits, ConsumedRecords* out);

  bool done() const { return batch_ == nullptr && at_ >= chunk_->bytes.size(); }
  size_t bytes() const { return chunk_->bytes.size(); }

 private:
  absl::Status OpenBatch(Offset* position, const DecodeLimits& limits);
  absl::Status Damaged(Offset position, const absl::Status& cause) const;

  std::shared_ptr<const FetchedChunk> chunk_;
  size_t at_ = 0;                        // of the next batch
  std::shared_ptr<FetchedBatch> batch_;  // being read
  Offset batch_end_ = 0;
};

}  // namespace leat
