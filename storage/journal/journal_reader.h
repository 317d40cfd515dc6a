#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "storage/env/file_system.h"
#include "storage/journal/journal_format.h"
#include "storage/log/refill.h"

// What the journal holds when a store starts (durability-rules R3, R13 to R16).

namespace leat {

struct JournalReadInput {
  std::string dir;
  std::string journal_id;
  // From the checkpoint. Epoch 0: there has been no journal. Without `known` no checkpoint could be read:
  // then every file counts.
  bool known = false;
  uint64_t epoch = 0;
  uint64_t oldest_sequence = 0;
};

// What the journal says of one partition, oldest first.
struct JournaledPartition {
  std::vector<RefillPiece> pieces;
  // The furthest place that a frame or a mark names: everything below was promised.
  CheckpointEntry promised;
};

struct JournalReading {
  absl::flat_hash_map<uint64_t, JournaledPartition> partitions;  // by id
  uint64_t last_epoch = 0;                                       // of any file
  uint64_t accepted_sequence = 0;                                // the last frame that counts; 0: none
  uint64_t next_file_number = 1;
  std::vector<std::string> files;  // paths of all of this journal's files, oldest first
  uint64_t groups = 0;
  uint64_t bytes_read = 0;
  std::vector<std::string> notes;
};

// Reads the files from the device, not from the page cache. Changes nothing.
// kDataLoss: promised frames are missing or damaged, the journal is missing as a whole (perhaps its directory
// is not mounted), or it belongs to another data directory. kUnsupportedFormat: a newer program wrote it.
[[nodiscard]] absl::StatusOr<JournalReading> ReadJournal(FileSystem& fs, const JournalReadInput& input);

// "0000000042.journal"; files follow each other by number.
std::string JournalFileName(uint64_t number);

}  // namespace leat
