#include "storage/log/segment_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "protocol/record/record_iterator.h"

namespace leat {
namespace {

// Between two index entries lie some KiB; a search by time may go on for long.
constexpr size_t kLookupChunk = 4096;
constexpr size_t kTimeChunk = 256 * 1024;

}  // namespace

absl::Status SegmentReader::Open() {
  absl::StatusOr<std::shared_ptr<File>> file = segment_.file->Open();
  if (!file.ok()) {
    return MakeError(ErrorCode::kStorageError,
                     absl::StrCat("cannot open ", segment_.file->path(), ": ", file.status().message()));
  }
  file_ = *std::move(file);
  return absl::OkStatus();
}

SegmentScanner SegmentReader::Scan(uint64_t from, size_t chunk_bytes) const {
  return SegmentScanner(*file_, {.from = from,
                                 .to = segment_.limit,
                                 .expected = from == 0 ? segment_.file->base() : -1,
                                 .depth = ScanDepth::kHeaders,
                                 .chunk_bytes = chunk_bytes});
}

absl::Status SegmentReader::Lost(const SegmentScanner& scanner) const {
  // Headers do not lead over the damage: as after a restart, the rest of the segment counts as lost.
  return WithResumeOffset(
      MakeError(ErrorCode::kDataLoss,
                absl::StrCat(segment_.file->path(), " is damaged at byte ", scanner.position(), ", offset ",
                             scanner.next_offset(), ": ",
                             scanner.damage() ? scanner.damage()->reason : "it ends early",
                             "; read on from offset ", segment_.next_offset)),
      segment_.next_offset);
}

bool SegmentReader::Matches(const OffsetEntry& entry) {
  if (entry.position < segment_.limit) {
    SegmentScanner scanner = Scan(entry.position, kBatchHeaderBytes);
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    if (batch.ok() && *batch && (*batch)->header.last_offset() == entry.last_offset) return true;
  }
  index_wrong_ = true;
  return false;
}

uint64_t SegmentReader::StartOf(Offset offset) {
  absl::StatusOr<std::optional<OffsetEntry>> entry = segment_.index->FindOffset(fs_, offset);
  if (!entry.ok()) index_wrong_ = true;
  if (!entry.ok() || !entry->has_value() || !Matches(**entry)) return 0;
  return (*entry)->position;
}

absl::StatusOr<ScannedBatch> SegmentReader::FindBatch(Offset offset) {
  SegmentScanner scanner = Scan(StartOf(offset), kLookupChunk);
  while (true) {
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    if (!batch.ok()) return batch.status();
    if (!batch->has_value()) return Lost(scanner);
    if ((*batch)->header.last_offset() >= offset) return **batch;
  }
}

absl::StatusOr<SegmentReader::End> SegmentReader::FindEnd(uint64_t start, uint64_t max_bytes) {
  if (segment_.limit - start <= max_bytes) return End{segment_.limit, -1};
  const uint64_t boundary = start + max_bytes;
  uint64_t from = start;
  absl::StatusOr<std::optional<OffsetEntry>> entry = segment_.index->FindPosition(fs_, boundary);
  if (!entry.ok()) index_wrong_ = true;
  if (entry.ok() && entry->has_value() && (*entry)->position > start && Matches(**entry)) {
    from = (*entry)->position;
  }
  SegmentScanner scanner = Scan(from, kLookupChunk);
  while (true) {
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    if (!batch.ok()) return batch.status();
    if (!batch->has_value()) {
      // Damage: whether the last header or the next one is wrong is not known, so no offset is remembered.
      if (scanner.position() > start) return End{scanner.position(), -1};
      return Lost(scanner);
    }
    if ((*batch)->next_position() <= boundary) continue;
    const ScannedBatch& last = **batch;
    if (last.position > start) return End{last.position, last.header.base_offset};
    return End{last.next_position(), last.header.next_offset()};
  }
}

uint64_t SegmentReader::StartOfTime(int64_t timestamp_ms) {
  absl::StatusOr<std::optional<TimeEntry>> entry = segment_.index->FindTime(fs_, timestamp_ms);
  if (!entry.ok()) index_wrong_ = true;
  if (!entry.ok() || !entry->has_value()) return 0;
  if ((*entry)->last_offset >= segment_.next_offset) return 0;  // of a batch that is not visible yet
  absl::StatusOr<ScannedBatch> batch = FindBatch((*entry)->last_offset);
  if (batch.ok() && batch->header.last_offset() == (*entry)->last_offset &&
      batch->header.max_timestamp_ms == (*entry)->timestamp_ms) {
    return batch->position;
  }
  index_wrong_ = true;
  return 0;
}

absl::StatusOr<std::optional<TimestampedOffset>> SegmentReader::FindTimestamp(int64_t timestamp_ms,
                                                                              Offset from) {
  SegmentScanner scanner = Scan(StartOfTime(timestamp_ms), kTimeChunk);
  while (true) {
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    if (!batch.ok()) return batch.status();
    if (!batch->has_value()) break;
    if ((*batch)->header.max_timestamp_ms < timestamp_ms || (*batch)->header.last_offset() < from) continue;
    absl::StatusOr<std::optional<TimestampedOffset>> found = SearchBatch(**batch, timestamp_ms, from);
    if (!found.ok() || found->has_value()) return found;
  }
  if (scanner.damage()) return Lost(scanner);
  return std::optional<TimestampedOffset>();
}

absl::StatusOr<std::optional<TimestampedOffset>> SegmentReader::SearchBatch(const ScannedBatch& batch,
                                                                            int64_t timestamp_ms,
                                                                            Offset from) const {
  std::string bytes(batch.header.total_bytes(), '\0');  // the scanner has seen that the file has them
  absl::StatusOr<size_t> read = file_->ReadAt(batch.position, absl::MakeSpan(bytes.data(), bytes.size()));
  if (!read.ok()) return read.status();
  absl::StatusOr<BatchView> view = BatchView::Parse(absl::string_view(bytes).substr(0, *read));
  absl::Status status = view.ok() ? view->CheckCrc() : view.status();
  const bool lost = !status.ok();
  if (status.ok()) {
    absl::StatusOr<RecordIterator> records = RecordIterator::Create(*view);
    status = records.status();
    while (status.ok()) {
      absl::StatusOr<std::optional<RecordView>> record = records->Next();
      status = record.status();
      if (!record.ok()) break;
      if (!record->has_value()) return std::optional<TimestampedOffset>();
      const int64_t timestamp =
          batch.header.log_append_time() ? batch.header.max_timestamp_ms : (*record)->timestamp_ms;
      if (timestamp >= timestamp_ms && (*record)->offset >= from) {
        return TimestampedOffset{(*record)->offset, timestamp};
      }
    }
  }
  if (lost) {
    return MakeError(ErrorCode::kDataLoss,
                     absl::StrCat(segment_.file->path(), ": the batch at byte ", batch.position, ", offset ",
                                  batch.header.base_offset, " is damaged: ", status.message()));
  }
  if (CodeOf(status) == ErrorCode::kLimitExceeded) return status;
  // As its producer sent it, but it cannot be opened. Its header promises such a record: whoever reads on
  // from here misses none.
  return TimestampedOffset{std::max(batch.header.base_offset, from), batch.header.max_timestamp_ms};
}

}  // namespace leat
