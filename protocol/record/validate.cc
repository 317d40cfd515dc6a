#include "protocol/record/validate.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/codec.h"
#include "protocol/record/error.h"
#include "protocol/record/record_fields.h"

namespace leat {
namespace {

// A compressed batch up to here is opened whatever the topic's validation.
constexpr size_t kSmallPayloadBytes = 1024;
constexpr uint64_t kSmallContentBytes = 64 * 1024;
constexpr int16_t kUnusedAttributeBits = static_cast<int16_t>(0xff80);

absl::Status Invalid(absl::string_view message) { return MakeError(ErrorCode::kInvalidBatch, message); }
absl::Status Corrupt(absl::string_view message) { return MakeError(ErrorCode::kCorruptBatch, message); }

// Exactly one batch of a size and version that the broker takes.
absl::Status CheckFrame(absl::string_view bytes, const ValidationOptions& options) {
  if (bytes.size() > options.batch_bytes_max) {
    return MakeError(
        ErrorCode::kBatchTooLarge,
        absl::StrCat("the batch has ", bytes.size(), " bytes, allowed are ", options.batch_bytes_max));
  }
  if (bytes.size() < kBatchPrefixBytes) {
    return Corrupt(absl::StrCat("a batch has at least 61 bytes, only ", bytes.size(), " are here"));
  }
  const auto magic = static_cast<int8_t>(bytes[kBatchPrefixBytes - 1]);
  if (magic != kBatchMagic) {
    return Invalid(
        absl::StrCat("magic is ", static_cast<int>(magic), "; only record batches of magic 2 are taken"));
  }
  if (bytes.size() < kBatchHeaderBytes) {
    return Corrupt(absl::StrCat("a batch has at least 61 bytes, only ", bytes.size(), " are here"));
  }
  const int32_t length = DecodeBatchHeader(bytes).batch_length;
  if (length < kBatchLengthMin)
    return Corrupt(absl::StrCat("batch length is ", length, ", has to be at least 49"));
  const size_t total = static_cast<size_t>(length) + kBatchLengthOverhead;
  if (total > bytes.size()) {
    return Corrupt(absl::StrCat("the batch says it has ", total, " bytes, only ", bytes.size(), " are here"));
  }
  if (total < bytes.size()) {
    return Invalid(absl::StrCat(bytes.size() - total, " bytes follow the batch; exactly one batch is taken"));
  }
  return absl::OkStatus();
}

absl::Status CheckAttributes(const BatchHeader& header) {
  if (header.codec_id() > static_cast<uint8_t>(Codec::kZstd)) {
    return MakeError(ErrorCode::kUnsupportedCodec,
                     absl::StrCat("codec ", static_cast<int>(header.codec_id()),
                                  " is unknown; use none, gzip, snappy, lz4 or zstd"));
  }
  if (header.log_append_time()) {
    return MakeError(ErrorCode::kInvalidTimestamp, "a client may not set the log append time bit");
  }
  if (header.control()) return Invalid("control batches are written by the broker only");
  if (header.has_delete_horizon()) return Invalid("the delete horizon bit is set by the broker only");
  if ((header.attributes & kUnusedAttributeBits) != 0)
    return Invalid("an unused bit of the attributes is set");
  return absl::OkStatus();
}

absl::Status CheckOffsetsAndProducer(const BatchHeader& header) {
  if (header.base_offset != 0) {
    return Invalid(absl::StrCat("base offset is ", header.base_offset, ", has to be 0 in a request"));
  }
  if (header.record_count <= 0) {
    return Invalid(absl::StrCat("record count is ", header.record_count, ", has to be at least 1"));
  }
  if (header.last_offset_delta != header.record_count - 1) {
    return Invalid(absl::StrCat("last offset delta is ", header.last_offset_delta, " with ",
                                header.record_count, " records, has to be one less"));
  }
  if (header.producer_id < kNoProducerId) return Invalid(absl::StrCat("producer id is ", header.producer_id));
  const bool has_producer = header.producer_id != kNoProducerId;
  if (has_producer && (header.producer_epoch < 0 || header.base_sequence < 0)) {
    return Invalid(absl::StrCat("with a producer id, epoch and base sequence have to be 0 or more; they are ",
                                header.producer_epoch, " and ", header.base_sequence));
  }
  if (header.transactional() && !has_producer) return Invalid("a transactional batch needs a producer id");
  return absl::OkStatus();
}

absl::Status CheckRecordsFit(const BatchHeader& header, uint64_t content_bytes) {
  if (static_cast<uint64_t>(header.record_count * kRecordBytesMin) <= content_bytes) return absl::OkStatus();
  return Invalid(absl::StrCat("record count is ", header.record_count, ", but ", content_bytes,
                              " bytes of records cannot hold as many"));
}

absl::Status TimestampError(int64_t timestamp_ms, const ValidationOptions& options) {
  return MakeError(ErrorCode::kInvalidTimestamp,
                   absl::StrCat("timestamp ", timestamp_ms, " lies outside ", options.timestamp_min_ms,
                                " to ", options.timestamp_max_ms, " (milliseconds since 1970)"));
}

bool InRange(int64_t timestamp_ms, const ValidationOptions& options) {
  return timestamp_ms >= options.timestamp_min_ms && timestamp_ms <= options.timestamp_max_ms;
}

absl::Status CheckTimestamps(const BatchHeader& header, const ValidationOptions& options) {
  if (!InRange(header.base_timestamp_ms, options)) return TimestampError(header.base_timestamp_ms, options);
  if (!InRange(header.max_timestamp_ms, options)) return TimestampError(header.max_timestamp_ms, options);
  if (header.max_timestamp_ms < header.base_timestamp_ms) {
    return MakeError(ErrorCode::kInvalidTimestamp,
                     absl::StrCat("max timestamp ", header.max_timestamp_ms, " lies before base timestamp ",
                                  header.base_timestamp_ms));
  }
  return absl::OkStatus();
}

// Goes over all records once; this is the broker's hot path and builds nothing. The deltas have to be 0, 1,
// 2,
// ... up to the declared count, and the records to end where the payload ends.
absl::Status CheckRecords(const BatchHeader& header, absl::string_view records,
                          const ValidationOptions& options) {
  const char* from = records.data();
  const char* const end = from + records.size();
  int64_t least = std::numeric_limits<int64_t>::max();
  int64_t most = std::numeric_limits<int64_t>::min();
  RecordFields fields;
  for (int32_t i = 0; i < header.record_count; ++i) {
    const char* const next = ReadRecordFields(from, end, &fields);
    if (next == nullptr || fields.offset_delta != i) {
      if (from == end)
        return Invalid(absl::StrCat("record count is ", header.record_count, ", ", i, " are here"));
      if (next == nullptr) return Invalid(absl::StrCat("record ", i, " is malformed or cut off"));
      return Invalid(absl::StrCat("record ", i, " has offset delta ", fields.offset_delta));
    }
    const int64_t timestamp_ms = AddTimestamp(header.base_timestamp_ms, fields.timestamp_delta);
    least = std::min(least, timestamp_ms);
    most = std::max(most, timestamp_ms);
    from = next;
  }
  if (from != end) {
    return Invalid(absl::StrCat(end - from, " bytes are left after ", header.record_count, " records"));
  }
  if (!InRange(least, options)) return TimestampError(least, options);
  if (!InRange(most, options)) return TimestampError(most, options);
  if (most != header.max_timestamp_ms) {
    return MakeError(ErrorCode::kInvalidTimestamp,
                     absl::StrCat("max timestamp is ", header.max_timestamp_ms, ", the records give ", most));
  }
  return absl::OkStatus();
}

// What the frames of a compressed batch tell, without opening it.
absl::Status CheckContentSize(const BatchHeader& header, const ContentSize& size,
                              const ValidationOptions& options) {
  if (size.least > options.decompressed_bytes_max) {
    return Corrupt(absl::StrCat("the batch decompresses to at least ", size.least, " bytes, allowed are ",
                                options.decompressed_bytes_max));
  }
  return CheckRecordsFit(header, size.most);
}

// Small batches cost next to nothing, and most wrong ones are small. Of large ones those are opened that may
// be bombs: their frames leave room for more than is allowed.
bool WorthOpening(size_t compressed_bytes, const ContentSize& size, const ValidationOptions& options) {
  return size.most > options.decompressed_bytes_max ||
         (compressed_bytes <= kSmallPayloadBytes && size.most <= kSmallContentBytes);
}

absl::Status CheckPayload(const BatchView& batch, const ValidationOptions& options) {
  const BatchHeader& header = batch.header();
  if (header.codec_id() == static_cast<uint8_t>(Codec::kNone)) {
    if (options.validation == Validation::kHeader) return absl::OkStatus();
    return CheckRecords(header, batch.payload(), options);
  }
  if (options.validation == Validation::kHeader) return absl::OkStatus();
  const absl::StatusOr<ContentSize> size = BoundContentSize(header.codec_id(), batch.payload());
  if (!size.ok()) return size.status();
  if (absl::Status status = CheckContentSize(header, *size, options); !status.ok()) return status;
  if (options.validation != Validation::kDeep && !WorthOpening(batch.payload().size(), *size, options)) {
    return absl::OkStatus();
  }
  const absl::StatusOr<std::string> records =
      Decompress(header.codec_id(), batch.payload(), options.decompressed_bytes_max);
  if (!records.ok()) return records.status();
  return CheckRecords(header, *records, options);
}

}  // namespace

absl::StatusOr<BatchHeader> ValidateBatch(absl::string_view bytes, const ValidationOptions& options) {
  if (absl::Status status = CheckFrame(bytes, options); !status.ok()) return status;
  const BatchHeader header = DecodeBatchHeader(bytes);
  if (absl::Status status = CheckAttributes(header); !status.ok()) return status;
  if (absl::Status status = CheckOffsetsAndProducer(header); !status.ok()) return status;
  const bool compressed = header.codec_id() != static_cast<uint8_t>(Codec::kNone);
  const size_t content_max = compressed ? options.decompressed_bytes_max : bytes.size() - kBatchHeaderBytes;
  if (absl::Status status = CheckRecordsFit(header, content_max); !status.ok()) return status;
  if (absl::Status status = CheckTimestamps(header, options); !status.ok()) return status;
  const absl::StatusOr<BatchView> batch = BatchView::Parse(bytes);
  if (!batch.ok()) return batch.status();
  if (absl::Status status = batch->CheckCrc(); !status.ok()) return status;
  if (absl::Status status = CheckPayload(*batch, options); !status.ok()) return status;
  return header;
}

absl::StatusOr<BatchView> CheckStoredBatch(absl::string_view bytes) {
  absl::StatusOr<BatchView> batch = BatchView::Parse(bytes);
  if (!batch.ok()) return batch.status();
  const BatchHeader& header = batch->header();
  if (header.base_offset < 0) return Corrupt(absl::StrCat("base offset is ", header.base_offset));
  if (header.record_count > int64_t{header.last_offset_delta} + 1) {
    return Corrupt(absl::StrCat("record count is ", header.record_count, " with ", header.last_offset_delta,
                                " as the last offset delta"));
  }
  if (absl::Status status = batch->CheckCrc(); !status.ok()) return status;
  return batch;
}

}  // namespace leat
