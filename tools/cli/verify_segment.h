#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/env/file_system.h"
#include "storage/log/checkpoint_entry.h"
#include "tools/cli/log_files.h"
#include "tools/cli/log_finding.h"

namespace leat {

// What is known about a partition when its files are checked.
struct PartitionPromise {
  std::optional<CheckpointEntry> checkpoint;
  bool clean = false;  // the checkpoint is that of a clean stop: nothing lies behind it
};

struct SegmentEnd {
  Offset next_offset = 0;  // behind the last good batch
  uint64_t position = 0;
};

// Checks one segment: every batch (length, order of offsets, CRC, every record decoded), what the checkpoint
// says about it, and each entry of its index files against the batches. `last` tells that no segment follows.
// Findings go to `verdict`; errors are I/O errors.
absl::StatusOr<SegmentEnd> VerifySegment(FileSystem& fs, const std::string& dir, const SegmentFiles& segment,
                                         const PartitionPromise& promise, bool last, LogVerdict* verdict);

}  // namespace leat
