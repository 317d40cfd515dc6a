#include "protocol/record/codec.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/codec_impl.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

// The length of a batch is an int32; several libraries below take no more either.
constexpr size_t kBytesMax = std::numeric_limits<int32_t>::max();
constexpr size_t kFirstStepMin = 4 * 1024;
constexpr size_t kFirstStepMax = 1024 * 1024;

absl::Status UnknownCodec(uint8_t codec_id) {
  return MakeError(
      ErrorCode::kUnsupportedCodec,
      absl::StrCat("codec ", static_cast<int>(codec_id), " is unknown; use none, gzip, snappy, lz4 or zstd"));
}

}  // namespace

CappedOutput::CappedOutput(size_t input_bytes, size_t bytes_max)
    : bytes_max_(std::min(bytes_max, kBytesMax)),
      step_(std::clamp(4 * std::min(input_bytes, kBytesMax), kFirstStepMin, kFirstStepMax)) {}

absl::Span<char> CappedOutput::Room() {
  if (used_ == buffer_.size()) {
    // One byte more than allowed tells "just full" from "too much".
    buffer_.resize(std::min(used_ + std::max(step_, used_), bytes_max_ + 1));
  }
  return absl::MakeSpan(buffer_).subspan(used_);
}

absl::StatusOr<absl::Span<char>> CappedOutput::Room(size_t bytes) {
  if (bytes > bytes_left()) return OverDecompressionLimit(bytes_max_);
  if (buffer_.size() - used_ < bytes)
    buffer_.resize(std::max(used_ + bytes, std::min(2 * used_, bytes_max_)));
  return absl::MakeSpan(buffer_).subspan(used_, bytes);
}

absl::Status CappedOutput::Commit(size_t bytes) {
  used_ += bytes;
  return used_ > bytes_max_ ? OverDecompressionLimit(bytes_max_) : absl::OkStatus();
}

std::string CappedOutput::Take() {
  buffer_.resize(used_);
  return std::move(buffer_);
}

absl::Status CorruptData(absl::string_view codec, absl::string_view what) {
  return MakeError(ErrorCode::kCorruptBatch, absl::StrCat("bad ", codec, " data: ", what));
}

absl::Status OverDecompressionLimit(size_t bytes_max) {
  return MakeError(ErrorCode::kCorruptBatch,
                   absl::StrCat("the batch decompresses to more than the ", bytes_max, " bytes allowed"));
}

absl::Status OutOfMemory(absl::string_view codec) {
  return MakeError(ErrorCode::kLimitExceeded, absl::StrCat("no memory for ", codec));
}

absl::Status Compress(Codec codec, absl::string_view data, std::string* out) {
  if (data.size() > kBytesMax) {
    return MakeError(ErrorCode::kBatchTooLarge, absl::StrCat(data.size(), " bytes do not fit into a batch"));
  }
  switch (codec) {
    case Codec::kNone:
      out->append(data.data(), data.size());
      return absl::OkStatus();
    case Codec::kGzip:
      return GzipCompress(data, out);
    case Codec::kSnappy:
      return SnappyCompress(data, out);
    case Codec::kLz4:
      return Lz4Compress(data, out);
    case Codec::kZstd:
      return ZstdCompress(data, out);
  }
  return MakeError(ErrorCode::kUnsupportedCodec, "unknown codec");
}

absl::StatusOr<std::string> Decompress(uint8_t codec_id, absl::string_view data, size_t bytes_max) {
  if (data.size() > kBytesMax) return CorruptData("compressed", "more than a batch can hold");
  CappedOutput out(data.size(), bytes_max);
  absl::Status status;
  switch (static_cast<Codec>(codec_id)) {
    case Codec::kNone:
      if (data.size() > bytes_max) return OverDecompressionLimit(bytes_max);
      return std::string(data);
    case Codec::kGzip:
      status = GzipDecompress(data, &out);
      break;
    case Codec::kSnappy:
      status = SnappyDecompress(data, &out);
      break;
    case Codec::kLz4:
      status = Lz4Decompress(data, &out);
      break;
    case Codec::kZstd:
      status = ZstdDecompress(data, &out);
      break;
    default:
      return UnknownCodec(codec_id);
  }
  if (!status.ok()) return status;
  return out.Take();
}

absl::StatusOr<ContentSize> BoundContentSize(uint8_t codec_id, absl::string_view data) {
  switch (static_cast<Codec>(codec_id)) {
    case Codec::kNone:
      return ContentSize{data.size(), data.size()};
    case Codec::kGzip:
      return GzipContentSize(data);
    case Codec::kSnappy:
      return SnappyContentSize(data);
    case Codec::kLz4:
      return Lz4ContentSize(data);
    case Codec::kZstd:
      return ZstdContentSize(data);
  }
  return UnknownCodec(codec_id);
}

}  // namespace leat
