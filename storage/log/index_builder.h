#pragma once

#include <cstdint>
#include <vector>

#include "storage/log/index_entry.h"

namespace leat {

struct IndexedBatch {
  uint64_t position = 0;
  Offset last_offset = 0;
  int64_t max_timestamp_ms = -1;
};

// How many entries the index files of a segment hold.
struct FiledIndex {
  uint32_t offset_entries = 0;
  uint32_t time_entries = 0;
};

// The rule that says which batches get index entries, used by appends, by rebuilding and by the check of
// files alike: a batch gets an offset entry when more than `interval_bytes` lie between the last indexed
// batch (or the start of the segment) and it, so the first batch never has one; with each offset entry goes a
// time entry when the largest timestamp so far has grown; Finish adds the last time entry. Not thread-safe.
struct IndexBuilder {
  // Entries made and not yet taken away.
  std::vector<OffsetEntry> offsets;
  std::vector<TimeEntry> times;
  // Where the rule stands.
  uint64_t last_position = 0;      // of the last offset entry ever made
  int64_t last_timestamp_ms = -1;  // of the last time entry ever made
  TimeEntry max;                   // so far; timestamp -1 when there is none

  void Add(const IndexedBatch& batch, int64_t interval_bytes) {
    Observe(batch);
    if (batch.position - last_position <= static_cast<uint64_t>(interval_bytes)) return;
    offsets.push_back({batch.last_offset, batch.position});
    last_position = batch.position;
    Finish();
  }

  // Only what the time index has to know of a batch.
  void Observe(const IndexedBatch& batch) {
    if (batch.max_timestamp_ms > max.timestamp_ms) max = {batch.max_timestamp_ms, batch.last_offset};
  }

  void Finish() {
    if (max.timestamp_ms <= last_timestamp_ms) return;
    times.push_back(max);
    last_timestamp_ms = max.timestamp_ms;
  }
};

}  // namespace leat
