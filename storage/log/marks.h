#pragma once

#include "protocol/record/batch.h"

namespace leat {

// The offsets from `from` on, up to but without `to`.
struct OffsetRange {
  Offset from = 0;
  Offset to = 0;

  bool operator==(const OffsetRange&) const = default;
};

// How far a partition has come (durability-rules: "Two marks for each partition"). Always
// log_start <= synced <= durable <= end; PartitionLog changes them through one setter that asserts it.
struct OffsetMarks {
  Offset log_start = 0;  // first offset still kept
  Offset synced = 0;     // below: on disk in the segments themselves, in files whose names are durable
  Offset durable = 0;    // below: survives power loss, by whatever way
  Offset end = 0;        // next offset to be assigned

  bool Valid() const { return 0 <= log_start && log_start <= synced && synced <= durable && durable <= end; }
};

}  // namespace leat
