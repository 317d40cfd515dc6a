#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "protocol/record/batch.h"
#include "storage/env/file_system.h"

// Bytes that were made durable elsewhere than in a partition's segments, put back where they belong
// (durability-rules R13).

namespace leat {

// Batches that lie together in one segment.
struct RefillPiece {
  Offset base_offset = 0;
  Offset end_offset = 0;    // behind the last record
  Offset segment_base = 0;  // the segment, and where in it the first batch starts
  uint64_t position = 0;
  std::shared_ptr<const File> source;  // where the bytes are to be had
  uint64_t source_position = 0;
  uint64_t bytes = 0;
};

// Writes the pieces that end above `synced` and `log_start` into the segments in `dir`, which are made where
// their names were lost. What is there already is written again: a read that finds it equal may have come
// from the page cache. Nothing is durable until the files and the directory are synced. `written` counts
// bytes.
[[nodiscard]] absl::Status RefillSegments(FileSystem& fs, const std::string& dir, Offset lowest,
                                          absl::Span<const RefillPiece> pieces, uint64_t& written);

}  // namespace leat
