#pragma once

#include <cstdint>

#include "protocol/record/batch.h"

namespace leat {

// How far one partition is synced in its own segments: evidence of what was promised (durability-rules R14).
// Everything below `synced` is on disk; byte `position` of segment `segment_base` is where the batch with
// offset `synced` starts or will start.
struct CheckpointEntry {
  uint64_t partition_id = 0;
  Offset log_start = 0;
  Offset synced = 0;
  Offset segment_base = 0;
  uint64_t position = 0;

  bool operator==(const CheckpointEntry&) const = default;
};

}  // namespace leat
