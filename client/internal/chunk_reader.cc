#include "client/internal/chunk_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/read_error_maker.h"
#include "protocol/record/error.h"
#include "protocol/record/validate.h"

namespace leat {

namespace {

// The error of a batch that does not stand where it should.
absl::Status Misplaced(const BatchHeader& header, Offset expected, const ChunkPlace& place) {
  const bool visible = header.next_offset() <= place.visible_offset;
  if (header.base_offset > expected && visible) {
    return UnreadableError(ErrorCode::kDataLoss, place.partition, expected, header.base_offset,
                           "the broker left out these offsets");
  }
  return UnreadableError(
      ErrorCode::kCorruptBatch, place.partition, expected, std::nullopt,
      absl::StrCat("a batch of offsets ", header.base_offset, " to ", header.last_offset(), " came",
                   visible ? "" : absl::StrCat(", visible are those below ", place.visible_offset)));
}

bool IsInPlace(const BatchHeader& header, Offset expected, bool at_boundary, Offset visible_offset) {
  if (header.next_offset() > visible_offset || header.next_offset() <= expected) return false;
  return at_boundary ? header.base_offset == expected : header.base_offset <= expected;
}

}  // namespace

ChunkExtent MeasureChunk(absl::string_view bytes, const ChunkPlace& place) {
  ChunkExtent extent{0, place.offset, absl::OkStatus()};
  bool at_boundary = place.at_boundary;
  bool proven = true;  // that what is in the extent stands in its place
  while (extent.bytes < bytes.size()) {
    const absl::StatusOr<BatchView> batch = BatchView::Parse(bytes.substr(extent.bytes));
    if (!batch.ok()) {
      extent.error = UnreadableError(CodeOf(batch.status()), place.partition, extent.end, std::nullopt,
                                     batch.status().message());
      return extent;
    }
    const BatchHeader& header = batch->header();
    if (!IsInPlace(header, extent.end, at_boundary, place.visible_offset)) {
      extent.error = Misplaced(header, extent.end, place);
      if (proven) return extent;
      // Either of the two may be the wrong one.
      return {0, place.offset,
              UnreadableError(ErrorCode::kCorruptBatch, place.partition, place.offset, std::nullopt,
                              absl::StrCat("two batches do not join up: ", extent.error.message()))};
    }
    // Where nothing is known about the place before it, the first batch is only proven by the next one.
    proven = at_boundary;
    at_boundary = true;
    extent.bytes += batch->bytes().size();
    extent.end = header.next_offset();
  }
  return extent;
}

absl::Status ChunkReader::Damaged(const BatchHeader& header, const absl::Status& cause) const {
  // When the checksum fails, any field may be wrong; these two then hardly agree by chance.
  const bool end_known = header.last_offset_delta == header.record_count - 1;
  return UnreadableError(CodeOf(cause), {*chunk_->topic, chunk_->partition}, header.base_offset,
                         end_known ? std::optional<Offset>(header.next_offset()) : std::nullopt,
                         cause.message());
}

absl::Status ChunkReader::OpenBatch(Offset* position, ReadBudget& budget, const DecodeLimits& limits) {
  const absl::string_view rest = absl::string_view(chunk_->bytes).substr(at_);
  header_ = DecodeBatchHeader(rest);
  const absl::StatusOr<BatchView> batch = CheckStoredBatch(rest);
  if (!batch.ok()) return Damaged(header_, batch.status());
  at_ += batch->bytes().size();
  if (header_.control() || header_.next_offset() <= *position || header_.record_count == 0) {
    *position = std::max(*position, header_.next_offset());
    return absl::OkStatus();
  }
  absl::StatusOr<RecordIterator> iterator = RecordIterator::Create(*batch, limits);
  if (!iterator.ok()) return Damaged(header_, iterator.status());
  budget.decompressed_bytes -= std::min(budget.decompressed_bytes, iterator->decompressed_bytes());
  batch_ = std::make_shared<FetchedBatch>(chunk_, *std::move(iterator));
  return absl::OkStatus();
}

absl::Status ChunkReader::Read(Offset* position, ReadBudget& budget, const DecodeLimits& limits,
                               ConsumedRecords* out) {
  while (budget.records > 0 && !done()) {
    if (batch_ == nullptr) {
      if (budget.decompressed_bytes == 0) return absl::OkStatus();
      if (absl::Status status = OpenBatch(position, budget, limits); !status.ok()) return status;
      continue;
    }
    const absl::StatusOr<std::optional<RecordView>> record = batch_->iterator().Next();
    if (!record.ok()) return Damaged(header_, record.status());
    if (!record->has_value()) {
      // Offsets at the end of a batch may have no record: compaction took it.
      *position = std::max(*position, header_.next_offset());
      batch_ = nullptr;
      continue;
    }
    if ((*record)->offset < *position) continue;
    *position = (*record)->offset + 1;
    out->emplace_back(batch_, **record);
    --budget.records;
  }
  return absl::OkStatus();
}

}  // namespace leat
