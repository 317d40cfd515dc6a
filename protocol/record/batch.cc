#include "protocol/record/batch.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/endian.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

constexpr absl::string_view kCodecNames[] = {"none", "gzip", "snappy", "lz4", "zstd"};

// Where the fields are.
constexpr size_t kBaseOffsetAt = 0;
constexpr size_t kBatchLengthAt = 8;
constexpr size_t kLeaderEpochAt = 12;
constexpr size_t kMagicAt = 16;
constexpr size_t kCrcAt = 17;
constexpr size_t kAttributesAt = 21;  // the CRC covers everything from here on
constexpr size_t kLastOffsetDeltaAt = 23;
constexpr size_t kBaseTimestampAt = 27;
constexpr size_t kMaxTimestampAt = 35;
constexpr size_t kProducerIdAt = 43;
constexpr size_t kProducerEpochAt = 51;
constexpr size_t kBaseSequenceAt = 53;
constexpr size_t kRecordCountAt = 57;

absl::Status Corrupt(absl::string_view message) { return MakeError(ErrorCode::kCorruptBatch, message); }

}  // namespace

absl::string_view CodecName(Codec codec) {
  const auto index = static_cast<size_t>(codec);
  return index < std::size(kCodecNames) ? kCodecNames[index] : absl::string_view("unknown");
}

absl::StatusOr<Codec> ParseCodec(absl::string_view name) {
  for (size_t i = 0; i < std::size(kCodecNames); ++i) {
    if (kCodecNames[i] == name) return static_cast<Codec>(i);
  }
  return MakeError(ErrorCode::kUnsupportedCodec,
                   absl::StrCat("there is no codec \"", name, "\"; known: none, gzip, snappy, lz4, zstd"));
}

BatchHeader DecodeBatchHeader(absl::string_view bytes) {
  const char* at = bytes.data();
  BatchHeader header;
  header.base_offset = LoadBigEndian<int64_t>(at + kBaseOffsetAt);
  header.batch_length = LoadBigEndian<int32_t>(at + kBatchLengthAt);
  header.leader_epoch = LoadBigEndian<int32_t>(at + kLeaderEpochAt);
  header.magic = LoadBigEndian<int8_t>(at + kMagicAt);
  header.crc = LoadBigEndian<uint32_t>(at + kCrcAt);
  header.attributes = LoadBigEndian<int16_t>(at + kAttributesAt);
  header.last_offset_delta = LoadBigEndian<int32_t>(at + kLastOffsetDeltaAt);
  header.base_timestamp_ms = LoadBigEndian<int64_t>(at + kBaseTimestampAt);
  header.max_timestamp_ms = LoadBigEndian<int64_t>(at + kMaxTimestampAt);
  header.producer_id = LoadBigEndian<int64_t>(at + kProducerIdAt);
  header.producer_epoch = LoadBigEndian<int16_t>(at + kProducerEpochAt);
  header.base_sequence = LoadBigEndian<int32_t>(at + kBaseSequenceAt);
  header.record_count = LoadBigEndian<int32_t>(at + kRecordCountAt);
  return header;
}

absl::StatusOr<BatchHeader> ParseBatchHeader(absl::string_view bytes) {
  if (bytes.size() < kBatchHeaderBytes) {
    return Corrupt(absl::StrCat("a batch header has 61 bytes, only ", bytes.size(), " are here"));
  }
  const BatchHeader header = DecodeBatchHeader(bytes);
  if (header.magic != kBatchMagic) {
    return Corrupt(absl::StrCat("magic is ", static_cast<int>(header.magic), ", has to be 2"));
  }
  if (header.batch_length < kBatchLengthMin) {
    return Corrupt(absl::StrCat("batch length is ", header.batch_length, ", has to be at least 49"));
  }
  if (header.record_count < 0) {
    return Corrupt(absl::StrCat("record count is ", header.record_count));
  }
  if (header.last_offset_delta < 0) {
    return Corrupt(absl::StrCat("last offset delta is ", header.last_offset_delta));
  }
  // The offset after the last one has to be a number too.
  if (header.base_offset > std::numeric_limits<Offset>::max() - header.last_offset_delta - 1) {
    return Corrupt(absl::StrCat("base offset is ", header.base_offset, ", the last one does not fit"));
  }
  return header;
}

void EncodeBatchHeader(const BatchHeader& header, absl::Span<char> out) {
  char* at = out.data();
  StoreBigEndian(at + kBaseOffsetAt, header.base_offset);
  StoreBigEndian(at + kBatchLengthAt, header.batch_length);
  StoreBigEndian(at + kLeaderEpochAt, header.leader_epoch);
  StoreBigEndian(at + kMagicAt, header.magic);
  StoreBigEndian(at + kCrcAt, header.crc);
  StoreBigEndian(at + kAttributesAt, header.attributes);
  StoreBigEndian(at + kLastOffsetDeltaAt, header.last_offset_delta);
  StoreBigEndian(at + kBaseTimestampAt, header.base_timestamp_ms);
  StoreBigEndian(at + kMaxTimestampAt, header.max_timestamp_ms);
  StoreBigEndian(at + kProducerIdAt, header.producer_id);
  StoreBigEndian(at + kProducerEpochAt, header.producer_epoch);
  StoreBigEndian(at + kBaseSequenceAt, header.base_sequence);
  StoreBigEndian(at + kRecordCountAt, header.record_count);
}

absl::StatusOr<BatchView> BatchView::Parse(absl::string_view bytes) {
  absl::StatusOr<BatchHeader> header = ParseBatchHeader(bytes);
  if (!header.ok()) return header.status();
  if (header->total_bytes() > bytes.size()) {
    return Corrupt(absl::StrCat("the batch says it has ", header->total_bytes(), " bytes, only ",
                                bytes.size(), " are here"));
  }
  return BatchView(*header, bytes.substr(0, header->total_bytes()));
}

uint32_t BatchCrc(absl::string_view batch) { return Crc32c(batch.substr(kAttributesAt)); }

void SealBatch(absl::Span<char> batch) {
  StoreBigEndian(batch.data() + kCrcAt, BatchCrc(absl::string_view(batch.data(), batch.size())));
}

absl::Status BatchView::CheckCrc() const {
  const uint32_t computed = BatchCrc(bytes_);
  if (computed == header_.crc) return absl::OkStatus();
  return Corrupt(absl::StrFormat("the checksum is %08x, the bytes give %08x", header_.crc, computed));
}

void StampBatch(absl::Span<char> batch, Offset base_offset, int32_t leader_epoch) {
  StoreBigEndian(batch.data() + kBaseOffsetAt, base_offset);
  StoreBigEndian(batch.data() + kLeaderEpochAt, leader_epoch);
}

}  // namespace leat
