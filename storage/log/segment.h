#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "storage/log/segment_file.h"
#include "storage/log/segment_index.h"

namespace leat {

// An offset and where it lies: byte `position` of segment `segment_base` is where the batch with this offset
// starts, or will start.
struct LogPosition {
  Offset offset = 0;
  Offset segment_base = 0;
  uint64_t position = 0;
};

// From here on a segment cannot be read.
struct SegmentDamage {
  Offset offset = 0;
  uint64_t position = 0;
};

// One segment of a log. The fields belong to the log's door; `file`, `index` and `base` never change and are
// safe to use by any thread.
struct Segment {
  std::shared_ptr<SegmentFile> file;
  std::shared_ptr<SegmentIndex> index;
  Offset base = 0;
  Offset next_offset = 0;
  uint64_t bytes = 0;
  std::optional<SegmentDamage> damage;
  int64_t max_timestamp_ms = -1;
  int64_t age_from_ms = -1;  // what roll by age counts from, a wall-clock time; -1 while empty

  bool rebuilding = false;  // of the index, in the background: asked for and not ended

  uint64_t readable_bytes() const { return damage ? damage->position : bytes; }
};

}  // namespace leat
