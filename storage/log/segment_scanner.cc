#include "storage/log/segment_scanner.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/endian.h"

namespace leat {
namespace {

constexpr size_t kMagicAt = 16;
constexpr size_t kCrcFrom = 21;  // the CRC covers everything from here on
// Bounds the work that bytes made to look like batches can cause.
constexpr int kFalseStartsMax = 1000;

}  // namespace

SegmentScanner::SegmentScanner(const File& file, const ScanOptions& options)
    : file_(file), options_(options), position_(options.from), next_offset_(options.expected) {}

absl::StatusOr<absl::string_view> SegmentScanner::Fetch(uint64_t position, size_t bytes) {
  const bool buffered = position >= buffer_position_ && position + bytes <= buffer_position_ + buffer_bytes_;
  if (!buffered) {
    const size_t wanted = static_cast<size_t>(
        std::min<uint64_t>(std::max(bytes, options_.chunk_bytes), options_.to - position));
    if (buffer_.size() < wanted) buffer_.resize(wanted);
    absl::StatusOr<size_t> read = file_.ReadAt(position, absl::MakeSpan(buffer_.data(), wanted));
    if (!read.ok()) return read.status();
    buffer_position_ = position;
    buffer_bytes_ = *read;
  }
  const size_t skip = static_cast<size_t>(position - buffer_position_);
  return absl::string_view(buffer_.data() + skip, buffer_bytes_ - skip);
}

void SegmentScanner::Damage(absl::string_view reason) {
  damage_ = ScanDamage{position_, next_offset_, std::string(reason.data(), reason.size())};
}

absl::StatusOr<bool> SegmentScanner::CrcMatches(const ScannedBatch& batch) {
  uint64_t at = batch.position + kCrcFrom;
  uint32_t crc = Crc32c("");
  while (at < batch.next_position()) {
    absl::StatusOr<absl::string_view> bytes = Fetch(at, 1);
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) return false;
    const absl::string_view part =
        bytes->substr(0, static_cast<size_t>(std::min<uint64_t>(bytes->size(), batch.next_position() - at)));
    crc = ExtendCrc32c(crc, part);
    at += part.size();
  }
  return crc == batch.header.crc;
}

absl::StatusOr<std::optional<ScannedBatch>> SegmentScanner::Next() {
  if (damage_ || position_ >= options_.to) return std::nullopt;
  absl::StatusOr<absl::string_view> bytes =
      Fetch(position_, static_cast<size_t>(std::min<uint64_t>(kBatchHeaderBytes, options_.to - position_)));
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() < kBatchHeaderBytes) {
    Damage(absl::StrCat("only ", bytes->size(), " bytes of a batch header"));
    return std::nullopt;
  }
  absl::StatusOr<BatchHeader> header = ParseBatchHeader(*bytes);
  if (!header.ok()) {
    Damage(header.status().message());
    return std::nullopt;
  }
  const ScannedBatch batch{*header, position_};
  if (batch.header.base_offset < 0 || (next_offset_ >= 0 && batch.header.base_offset != next_offset_)) {
    Damage(absl::StrCat("a batch with base offset ", batch.header.base_offset, " instead of ", next_offset_));
    return std::nullopt;
  }
  if (batch.header.total_bytes() > options_.to - position_) {
    Damage(absl::StrCat("a batch of ", batch.header.total_bytes(), " bytes where only ",
                        options_.to - position_, " are left"));
    return std::nullopt;
  }
  if (options_.depth == ScanDepth::kChecked) {
    absl::StatusOr<bool> matches = CrcMatches(batch);
    if (!matches.ok()) return matches.status();
    if (!*matches) {
      Damage("a batch whose checksum does not match");
      return std::nullopt;
    }
  }
  position_ = batch.next_position();
  next_offset_ = batch.header.next_offset();
  return batch;
}

absl::StatusOr<std::optional<ScannedBatch>> SegmentScanner::FindBatchAfterDamage() {
  if (!damage_) return std::nullopt;
  std::optional<ScannedBatch> first;
  int false_starts = 0;
  for (uint64_t at = damage_->position + 1; at + kBatchHeaderBytes <= options_.to; ++at) {
    absl::StatusOr<absl::string_view> bytes = Fetch(at, kBatchHeaderBytes);
    if (!bytes.ok()) return bytes.status();
    if (bytes->size() < kBatchHeaderBytes) break;
    if ((*bytes)[kMagicAt] != kBatchMagic) continue;
    absl::StatusOr<BatchHeader> header = ParseBatchHeader(*bytes);
    if (!header.ok() || header->total_bytes() > options_.to - at) continue;
    // Offsets of one segment lie within 31 bits of its base.
    const Offset least = std::max<Offset>(damage_->expected, 0);
    if (header->base_offset < least || header->base_offset - least > std::numeric_limits<int32_t>::max())
      continue;
    const ScannedBatch candidate{*header, at};
    if (!first) first = candidate;
    absl::StatusOr<bool> matches = CrcMatches(candidate);
    if (!matches.ok()) return matches.status();
    if (*matches) return candidate;
    if (++false_starts >= kFalseStartsMax) return first;
  }
  return std::nullopt;
}

}  // namespace leat
