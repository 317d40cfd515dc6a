#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

// RecordBatch v2 (magic 2), the one format from producer to disk to consumer (design D1). It is the format
// that Apache Kafka documents as "RecordBatch"; RECORD_BATCH.md gives every byte. This file knows the 61-byte
// header; record_iterator.h reads what follows it, batch_builder.h writes batches, validate.h holds the
// broker's rules.

namespace leat {

using Offset = int64_t;

enum class Codec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

// "none", "gzip", "snappy", "lz4", "zstd".
absl::string_view CodecName(Codec codec);
absl::StatusOr<Codec> ParseCodec(absl::string_view name);

inline constexpr size_t kBatchHeaderBytes = 61;
// What has to be at hand to learn a batch's length and magic.
inline constexpr size_t kBatchPrefixBytes = 17;
// base offset and length come before what the length counts
inline constexpr size_t kBatchLengthOverhead = 12;
// the length of a batch without records
inline constexpr int32_t kBatchLengthMin = 49;
inline constexpr int8_t kBatchMagic = 2;
inline constexpr int64_t kNoProducerId = -1;

// Bits of the attributes.
inline constexpr int16_t kCodecMask = 0x07;
inline constexpr int16_t kLogAppendTimeBit = 0x08;
inline constexpr int16_t kTransactionalBit = 0x10;
inline constexpr int16_t kControlBit = 0x20;
inline constexpr int16_t kDeleteHorizonBit = 0x40;

struct BatchHeader {
  Offset base_offset = 0;
  int32_t batch_length = 0;  // bytes after this field
  int32_t leader_epoch = -1;
  int8_t magic = 2;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp_ms = -1;
  int64_t max_timestamp_ms = -1;
  int64_t producer_id = kNoProducerId;
  int16_t producer_epoch = -1;
  int32_t base_sequence = -1;
  int32_t record_count = 0;

  size_t total_bytes() const { return static_cast<size_t>(batch_length) + kBatchLengthOverhead; }
  Offset last_offset() const { return base_offset + last_offset_delta; }
  Offset next_offset() const { return last_offset() + 1; }
  uint8_t codec_id() const { return static_cast<uint8_t>(attributes & kCodecMask); }
  bool log_append_time() const { return (attributes & kLogAppendTimeBit) != 0; }
  bool transactional() const { return (attributes & kTransactionalBit) != 0; }
  bool control() const { return (attributes & kControlBit) != 0; }
  bool has_delete_horizon() const { return (attributes & kDeleteHorizonBit) != 0; }
};

// The fields as they are, nothing checked. `bytes` holds at least kBatchHeaderBytes.
BatchHeader DecodeBatchHeader(absl::string_view bytes);

// Reads the header at the front of `bytes`, which may hold more. Checks only what the fields themselves must
// obey to be usable: at least 61 bytes at hand, magic 2, batch_length >= 49, record_count >= 0,
// last_offset_delta >= 0, base_offset + last_offset_delta representable. kCorruptBatch otherwise. The CRC is
// not looked at and the batch need not be at hand whole.
absl::StatusOr<BatchHeader> ParseBatchHeader(absl::string_view bytes);

// Writes all 61 bytes, crc as given. `out` holds at least kBatchHeaderBytes.
void EncodeBatchHeader(const BatchHeader& header, absl::Span<char> out);

// The CRC-32C over the bytes of a whole batch that it covers: attributes to end.
uint32_t BatchCrc(absl::string_view batch);

// Computes and writes the CRC of a whole batch.
void SealBatch(absl::Span<char> batch);

// A whole batch over bytes that the caller keeps alive. Copying a view copies no bytes.
class BatchView {
 public:
  // The batch at the front of `bytes`, which may hold more after it. kCorruptBatch when the header is
  // unusable or the batch does not fit into `bytes`. Does not check the CRC.
  static absl::StatusOr<BatchView> Parse(absl::string_view bytes);

  const BatchHeader& header() const { return header_; }
  absl::string_view bytes() const { return bytes_; }                              // exactly this batch
  absl::string_view payload() const { return bytes_.substr(kBatchHeaderBytes); }  // records, maybe compressed

  // kCorruptBatch when the checksum does not match.
  absl::Status CheckCrc() const;

 private:
  BatchView(const BatchHeader& header, absl::string_view bytes) : header_(header), bytes_(bytes) {}
  BatchHeader header_;
  absl::string_view bytes_;
};

// Sets base offset and leader epoch, the two fields that the broker owns; they lie outside the CRC.
// `batch` holds at least kBatchPrefixBytes.
void StampBatch(absl::Span<char> batch, Offset base_offset, int32_t leader_epoch);

}  // namespace leat
