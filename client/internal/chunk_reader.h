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

// What one fetch brought for one partition: whole batches that join up, back to back.
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

// What was asked for, and what the broker says of the partition.
struct ChunkPlace {
  const TopicPartition& partition;
  Offset offset = 0;           // asked for
  bool at_boundary = false;    // `offset` is where a batch ended: the first one has to begin there
  Offset visible_offset = -1;  // nothing from here on may come
};

// How far the batches of a reply are what was asked for.
struct ChunkExtent {
  size_t bytes = 0;    // of the batches that can be read
  Offset end = 0;      // behind the last one of them; what was asked for when there is none
  absl::Status error;  // why the rest cannot be used; OK when there is none
};

// Walks the headers, without checksums. Base offsets lie outside of the checksum, so the place is the only
// check of them: each batch has to begin where the one before ends, the first one may begin below the offset
// asked for. kDataLoss for offsets that are left out, kCorruptBatch for bytes that are no batch and for a
// batch of other offsets. Each reply gives progress or an error, so that nobody asks for the same for ever.
ChunkExtent MeasureChunk(absl::string_view bytes, const ChunkPlace& place);

// What may still be read.
struct ReadBudget {
  size_t records = 0;
  size_t decompressed_bytes = 0;  // no further batch is opened once they are used up
};

// Decodes a chunk lazily, batch by batch: checksum, decompression, records. Control batches are skipped. One
// thread at a time.
class ChunkReader {
 public:
  explicit ChunkReader(std::shared_ptr<const FetchedChunk> chunk) : chunk_(std::move(chunk)) {}

  // Appends records from `*position` on, moves it behind them and takes them from the budget. An error
  // (kCorruptBatch, kUnsupportedCodec) names the place; what was appended before it is good.
  absl::Status Read(Offset* position, ReadBudget& budget, const DecodeLimits& limits, ConsumedRecords* out);

  bool done() const { return batch_ == nullptr && at_ >= chunk_->bytes.size(); }
  size_t bytes() const { return chunk_->bytes.size(); }

 private:
  absl::Status OpenBatch(Offset* position, ReadBudget& budget, const DecodeLimits& limits);
  absl::Status Damaged(const BatchHeader& header, const absl::Status& cause) const;

  std::shared_ptr<const FetchedChunk> chunk_;
  size_t at_ = 0;                        // of the next batch
  std::shared_ptr<FetchedBatch> batch_;  // being read
  BatchHeader header_;                   // of it
};

}  // namespace leat
