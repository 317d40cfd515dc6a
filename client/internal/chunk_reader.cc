#include "client/internal/chunk_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "protocol/record/validate.h"

namespace leat {

absl::StatusOr<Offset> EndOfBatches(absl::string_view bytes, Offset asked) {
  Offset end = -1;
  while (!bytes.empty()) {
    const absl::StatusOr<BatchView> batch = BatchView::Parse(bytes);
    if (!batch.ok()) return batch.status();
    end = batch->header().next_offset();
    bytes.remove_prefix(batch->bytes().size());
  }
  if (end > asked) return end;
  return MakeError(ErrorCode::kCorruptBatch,
                   absl::StrCat("the batches end at offset ", end, ", asked for was ", asked));
}

absl::Status ChunkReader::Damaged(Offset position, const absl::Status& cause) const {
  return MakeError(CodeOf(cause), absl::StrCat(*chunk_->topic, "-", chunk_->partition, " at offset ",
                                               position, ": ", cause.message()));
}

absl::Status ChunkReader::OpenBatch(Offset* position, const DecodeLimits& limits) {
  const absl::string_view rest = absl::string_view(chunk_->bytes).substr(at_);
  absl::StatusOr<BatchView> batch = CheckStoredBatch(rest);
  if (!batch.ok()) return Damaged(*position, batch.status());
  const BatchHeader& header = batch->header();
  at_ += batch->bytes().size();
  if (header.control() || header.next_offset() <= *position || header.record_count == 0) {
    *position = std::max(*position, header.next_offset());
    return absl::OkStatus();
  }
  absl::StatusOr<RecordIterator> iterator = RecordIterator::Create(*batch, limits);
  if (!iterator.ok()) return Damaged(*position, iterator.status());
  batch_ = std::make_shared<FetchedBatch>(chunk_, *std::move(iterator));
  batch_end_ = header.next_offset();
  return absl::OkStatus();
}

absl::Status ChunkReader::Read(Offset* position, size_t count, const DecodeLimits& limits,
                               ConsumedRecords* out) {
  while (count > 0 && !done()) {
    if (batch_ == nullptr) {
      if (absl::Status status = OpenBatch(position, limits); !status.ok()) return status;
      continue;
    }
    const absl::StatusOr<std::optional<RecordView>> record = batch_->iterator().Next();
    if (!record.ok()) return Damaged(*position, record.status());
    if (!record->has_value()) {
      // Offsets at the end of a batch may have no record: compaction took it.
      *position = std::max(*position, batch_end_);
      batch_ = nullptr;
      continue;
    }
    if ((*record)->offset < *position) continue;
    *position = (*record)->offset + 1;
    out->emplace_back(batch_, **record);
    --count;
  }
  return absl::OkStatus();
}

}  // namespace leat
