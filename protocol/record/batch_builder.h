#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/record/batch.h"
#include "protocol/record/record_iterator.h"

namespace leat {

struct BatchOptions {
  Codec codec = Codec::kNone;
  int64_t producer_id = kNoProducerId;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
};

// Builds one batch, record by record, in place. The only encoder of records. One thread; reusable.
class BatchBuilder {
 public:
  explicit BatchBuilder(BatchOptions options = {});

  // Copies the record into the batch. nullopt is null. A record that would take the batch beyond 2 GiB is not
  // added, and Finish fails.
  void Add(int64_t timestamp_ms, std::optional<absl::string_view> key, std::optional<absl::string_view> value,
           absl::Span<const HeaderView> headers = {});

  // An upper bound for what a record adds to uncompressed_bytes().
  static size_t EncodedBytesMax(std::optional<absl::string_view> key, std::optional<absl::string_view> value,
                                absl::Span<const HeaderView> headers);

  int32_t record_count() const { return count_; }
  bool empty() const { return count_ == 0; }
  // Size of the batch so far as if not compressed, header included.
  size_t uncompressed_bytes() const { return bytes_.size(); }

  // Identity that is known only when the batch is sent.
  void SetProducer(int64_t id, int16_t epoch, int32_t base_sequence);

  // Compresses if asked, fills in the header (base offset 0, leader epoch -1) and the CRC, hands out the
  // bytes and resets the builder for the next batch. With no record added: an empty batch, which brokers
  // refuse. kBatchTooLarge beyond 2 GiB, kLimitExceeded when a codec gets no memory; the records are gone
  // then too.
  absl::StatusOr<std::string> Finish();

 private:
  void Reset(size_t last_batch_bytes);

  BatchOptions options_;
  std::string bytes_;  // room for the header, then the records
  int32_t count_ = 0;
  int64_t base_timestamp_ms_ = -1;
  int64_t max_timestamp_ms_ = -1;
  size_t last_batch_bytes_ = 0;  // the next batch will be about as large
  bool overflow_ = false;
};

}  // namespace leat
