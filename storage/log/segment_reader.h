#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/log/partition_log.h"
#include "storage/log/segment_file.h"
#include "storage/log/segment_index.h"
#include "storage/log/segment_scanner.h"

namespace leat {

// A part of a segment that no longer changes: its first `limit` bytes. What a reader takes along from the
// door.
struct SegmentSnapshot {
  std::shared_ptr<SegmentFile> file;
  std::shared_ptr<SegmentIndex> index;
  uint64_t limit = 0;      // where a batch ends
  Offset next_offset = 0;  // behind that batch
};

// Finds batches in one segment: index first, then batch headers. Every entry that the index gives is compared
// with the batch it names; one that does not match is not used, and index_wrong() asks for a rebuild. Errors:
// kDataLoss when the bytes are not the batches they should be, kStorageError. One thread.
class SegmentReader {
 public:
  SegmentReader(FileSystem& fs, const SegmentSnapshot& segment) : fs_(fs), segment_(segment) {}

  // Opens the file. Before anything else.
  [[nodiscard]] absl::Status Open();
  const std::shared_ptr<File>& file() const { return file_; }

  // The batch that holds `offset`, which lies in the snapshot.
  absl::StatusOr<ScannedBatch> FindBatch(Offset offset);

  struct End {
    uint64_t position = 0;
    Offset next_offset = -1;  // of the batch that starts there; -1 when that was not looked at
  };
  // The largest end of a batch that is at most `max_bytes` behind `start`, where a batch starts; the end of
  // that batch when even that is too far.
  absl::StatusOr<End> FindEnd(uint64_t start, uint64_t max_bytes);

  // The first record from offset `from` on with a timestamp of at least `timestamp_ms`.
  absl::StatusOr<std::optional<TimestampedOffset>> FindTimestamp(int64_t timestamp_ms, Offset from);

  bool index_wrong() const { return index_wrong_; }

 private:
  SegmentScanner Scan(uint64_t from, size_t chunk_bytes) const;
  // Where to start looking for `offset`; 0 when the index does not help.
  uint64_t StartOf(Offset offset);
  uint64_t StartOfTime(int64_t timestamp_ms);
  bool Matches(const OffsetEntry& entry);
  absl::Status Lost(const SegmentScanner& scanner) const;
  absl::StatusOr<std::optional<TimestampedOffset>> SearchBatch(const ScannedBatch& batch,
                                                               int64_t timestamp_ms, Offset from) const;

  FileSystem& fs_;
  const SegmentSnapshot segment_;
  std::shared_ptr<File> file_;
  bool index_wrong_ = false;
};

}  // namespace leat
