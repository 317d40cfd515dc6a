#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "protocol/record/mutex.h"
#include "storage/env/file_system.h"
#include "storage/log/index_builder.h"
#include "storage/log/index_entry.h"

namespace leat {

// The offset index and the time index of one segment. New entries stay in memory until WriteOut has appended
// them to the files; lookups look at the memory first and then search the file by reads. What a lookup takes
// from a file may be wrong (the files are a cache): its caller compares the entry with the batch it names,
// and calls for a rebuild. Any thread.
class SegmentIndex {
 public:
  // A segment in `dir` without index files, or with files that hold what `filed` says and a builder that
  // stands at their end.
  SegmentIndex(std::string dir, Offset base);
  SegmentIndex(std::string dir, Offset base, FiledIndex filed, IndexBuilder builder);

  // The batch that was appended. In the order of the log.
  void Add(const IndexedBatch& batch, int64_t interval_bytes);
  // The final time entry of a segment that is sealed or closed.
  void Seal();

  // The last entry whose offset is <= `offset`; nothing when the search has to begin at position 0.
  absl::StatusOr<std::optional<OffsetEntry>> FindOffset(FileSystem& fs, Offset offset) const;
  // The last entry whose position is <= `position`.
  absl::StatusOr<std::optional<OffsetEntry>> FindPosition(FileSystem& fs, uint64_t position) const;
  // The last entry whose timestamp is < `timestamp_ms`: no batch before the one it names has a record that
  // young. (An equal one would do as well, but then nothing would tell an entry that names a later batch of
  // the same age.)
  absl::StatusOr<std::optional<TimeEntry>> FindTime(FileSystem& fs, int64_t timestamp_ms) const;

  // Entries that are not in the files yet.
  size_t unwritten() const;
  // False until the files exist.
  bool has_files() const;

  // Appends what is unwritten to the files, creating them first. On an error nothing is lost: the next call
  // writes the same again. IsNotFound or kDataLoss: somebody took away what was written before; call Rebuild.
  [[nodiscard]] absl::Status WriteOut(FileSystem& fs);

  // Builds the files anew from the headers of the first `bytes` of the segment's log, which must be sound.
  [[nodiscard]] absl::Status Rebuild(FileSystem& fs, const File& log, uint64_t bytes, int64_t interval_bytes);

 private:
  const std::string dir_;
  const Offset base_;
  Mutex writing_;  // held while the files change; taken before mutex_
  mutable Mutex mutex_;
  IndexBuilder builder_ ABSL_GUARDED_BY(mutex_);
  FiledIndex filed_ ABSL_GUARDED_BY(mutex_);
  bool has_files_ ABSL_GUARDED_BY(mutex_) = false;
  bool sealed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leat
