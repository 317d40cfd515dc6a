#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "bench/load/random_bytes.h"
#include "protocol/record/batch_builder.h"

namespace leat {

// Encodes batches of incompressible records. One thread.
class BatchSource {
 public:
  BatchSource(uint64_t seed, size_t record_bytes, size_t batch_bytes)
      : record_bytes_(record_bytes),
        batch_bytes_(batch_bytes),
        pool_(RandomBytes(seed, record_bytes + 4096)) {}

  absl::StatusOr<std::string> Next(int64_t timestamp_ms) {
    size_t bytes = 0;
    count_ = 0;
    do {
      at_ = (at_ + 61) % 4096;
      builder_.Add(timestamp_ms, std::nullopt, absl::string_view(pool_).substr(at_, record_bytes_));
      bytes += record_bytes_;
      ++count_;
    } while (bytes + record_bytes_ <= batch_bytes_);
    return builder_.Finish();
  }
  // Records of the batch that Next gave last.
  uint64_t count() const { return count_; }

 private:
  size_t record_bytes_;
  size_t batch_bytes_;
  std::string pool_;
  BatchBuilder builder_;
  size_t at_ = 0;
  uint64_t count_ = 0;
};

}  // namespace leat
