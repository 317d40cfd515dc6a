#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "bench/load/random_bytes.h"
#include "protocol/record/batch_builder.h"

namespace leat {

// How many records of `record_bytes` a batch of `batch_bytes` of them holds: at least one.
inline uint64_t RecordsPerBatch(size_t record_bytes, size_t batch_bytes) {
  return std::max<size_t>(batch_bytes / std::max<size_t>(record_bytes, 1), 1);
}

// The partition that a connection sends its next batch to. Each connection takes its share of the partitions
// in turn, so that all together load every partition evenly, and at any time as many different ones as can
// be.
class PartitionTurn {
 public:
  PartitionTurn(uint32_t connection, uint32_t connections, uint32_t partitions)
      : step_(connections % partitions), partitions_(partitions), next_(connection % partitions) {}
  uint32_t Next() {
    const uint32_t partition = next_;
    next_ = (next_ + step_) % partitions_;
    return partition;
  }

 private:
  uint32_t step_;
  uint32_t partitions_;
  uint32_t next_;
};

// Encodes batches of incompressible records. One thread.
class BatchSource {
 public:
  BatchSource(uint64_t seed, size_t record_bytes, size_t batch_bytes)
      : record_bytes_(record_bytes),
        records_(RecordsPerBatch(record_bytes, batch_bytes)),
        pool_(RandomBytes(seed, record_bytes + 4096)) {}

  absl::StatusOr<std::string> Next(int64_t timestamp_ms) {
    for (uint64_t i = 0; i < records_; ++i) {
      at_ = (at_ + 61) % 4096;
      builder_.Add(timestamp_ms, std::nullopt, absl::string_view(pool_).substr(at_, record_bytes_));
    }
    return builder_.Finish();
  }
  // Records in each batch.
  uint64_t count() const { return records_; }

 private:
  size_t record_bytes_;
  uint64_t records_;
  std::string pool_;
  BatchBuilder builder_;
  size_t at_ = 0;
};

}  // namespace leat
