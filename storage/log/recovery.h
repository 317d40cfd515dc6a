#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/env/file_system.h"
#include "storage/log/checkpoint_entry.h"
#include "storage/log/index_builder.h"
#include "storage/log/marks.h"
#include "storage/log/refill.h"
#include "storage/log/segment.h"

// Opening a partition's directory after any stop (durability-rules R12-R14). The decisions are taken by the
// pure function in recovery_plan.h; this file observes and carries out.

namespace leat {

// One segment as recovery leaves it.
struct RecoveredSegment {
  Offset base = 0;
  Offset next_offset = 0;  // the base of the next segment, or the end of the log
  uint64_t bytes = 0;
  std::optional<SegmentDamage> damage;  // what lies between it and next_offset cannot be read
  int64_t first_timestamp_ms = -1;      // of the first batch; -1 when there is none
  FiledIndex filed;                     // in the index files
  IndexBuilder index;  // how it goes on; it holds entries only when they could not be written
};

struct RecoveredPartition {
  OffsetMarks marks;
  std::vector<RecoveredSegment> segments;  // by base; the last one is the active one. Empty only when fenced.
  // Why appends must be refused (kPartitionFenced), or OK. A fenced partition keeps the checkpoint entry it
  // came with, whatever else is kept, so that the next recovery decides the same.
  absl::Status write_status;
  std::optional<CheckpointEntry> checkpoint = {};
  std::vector<OffsetRange> lost;   // between the marks log_start and end, by offset
  std::vector<std::string> notes;  // one line per thing found
  uint64_t batches_scanned = 0;
  uint64_t bytes_scanned = 0;
  uint64_t bytes_cut = 0;
  uint64_t bytes_refilled = 0;  // from the journal
  uint32_t indexes_rebuilt = 0;
};

struct RecoveryInput {
  std::string dir;
  std::string name;  // "orders-0", for notes and errors
  uint64_t partition_id = 0;
  Offset log_start = 0;  // the truth, from the metadata log
  // Nothing when no checkpoint could be read: then nothing is cut that a valid batch follows.
  std::optional<CheckpointEntry> checkpoint = {};
  // The checkpoint was written by a clean stop. Believed only as far as the files agree with it.
  bool clean = false;
  int64_t index_interval_bytes = 4096;
  // What the journal holds of this partition, oldest first, and how far it proves that records were promised
  // beyond the checkpoint.
  std::vector<RefillPiece> refill = {};
  std::optional<CheckpointEntry> promised = {};
};

// Puts back what the journal holds, syncs what is kept, reads what lies above the checkpoint from the device,
// decides, carries out, syncs. When it returns OK everything below marks.end is durable in the segments
// (synced = durable = end); the caller then writes the checkpoint. Doing it again changes nothing. Partitions
// are independent of each other: any thread. What cannot be read is fenced like damage, and nothing of it is
// cut. Errors: of syncs and writes (kStorageError, kDiskFull), and kLimitExceeded. Nothing that was promised
// has been removed then.
[[nodiscard]] absl::StatusOr<RecoveredPartition> RecoverPartition(FileSystem& fs, const RecoveryInput& input);

}  // namespace leat
