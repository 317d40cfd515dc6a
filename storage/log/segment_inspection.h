#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/env/file_system.h"
#include "storage/log/index_builder.h"
#include "storage/log/recovery_plan.h"

namespace leat {

struct InspectionInput {
  std::string dir;
  std::string log_name;  // "orders-0", for notes
  Offset base = 0;
  uint64_t bytes = 0;
  // Decides what is taken on trust: everything in segments before the checkpoint's, the part before its
  // position in its own segment, nothing behind; nothing at all without a checkpoint.
  std::optional<CheckpointEntry> checkpoint = {};
  bool clean = false;     // the checkpoint covers the whole log
  Offset next_base = -1;  // of the segment that follows; -1 when none does
  int64_t index_interval_bytes = 4096;
};

struct InspectedSegment {
  SegmentObservation seen;
  int64_t first_timestamp_ms = -1;
  FiledIndex filed;
  IndexBuilder index;
  std::vector<std::string> notes;
  uint64_t batches_scanned = 0;  // with their checksums
  uint64_t bytes_scanned = 0;
};

// Looks at one segment: index and batch headers of the trusted part, every byte of the rest. Repairs its
// index files. What cannot be read is part of what was seen.
[[nodiscard]] InspectedSegment InspectSegment(FileSystem& fs, const File& log, const InspectionInput& input);

}  // namespace leat
