#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/env/file_system.h"
#include "storage/log/checkpoint_entry.h"

// `meta/checkpoint`: evidence of what is durable in which partition (durability-rules R14, R16), replaced as
// a whole. storage/FORMAT.md gives its bytes.

namespace leat {

struct Checkpoint {
  std::string data_id;                   // of the directory it belongs to
  uint64_t sequence = 0;                 // grows by one with each checkpoint of the directory
  bool clean = false;                    // the last thing that a clean stop wrote
  uint64_t journal_epoch = 0;            // of the journal's newest frames; 0: there is no journal yet
  uint64_t journal_oldest_sequence = 0;  // oldest journal frame that recovery still needs; 0: none
  std::vector<CheckpointEntry> entries;  // by partition id, ascending
  // Partitions of which nothing is known: the checkpoint before could not be read and they are fenced since.
  // Others without an entry were created later than this checkpoint. Ascending.
  std::vector<uint64_t> unproven;

  bool operator==(const Checkpoint&) const = default;
};

std::string EncodeCheckpoint(const Checkpoint& checkpoint);

// kUnsupportedFormat for a newer version, kDataLoss for anything else that is not a whole, unchanged
// checkpoint.
absl::StatusOr<Checkpoint> DecodeCheckpoint(absl::string_view bytes);

struct CheckpointReading {
  enum class State {
    kAbsent,  // there is no such file
    kValid,
    kUnreadable,  // there is one, but it is damaged or belongs to another directory
  };
  State state = State::kAbsent;
  Checkpoint checkpoint;  // when valid
  std::string problem;    // when unreadable
};

// Reads the checkpoint in directory `meta` of the data directory with this id. Errors: kUnsupportedFormat for
// a newer version; those of the file system, after which nothing is known of the evidence that it holds.
absl::StatusOr<CheckpointReading> ReadCheckpoint(FileSystem& fs, const std::string& meta_dir,
                                                 absl::string_view data_id);

// Replaces it; durable on return. After an error either the former or the new one is there.
absl::Status WriteCheckpoint(FileSystem& fs, const std::string& meta_dir, const Checkpoint& checkpoint);

}  // namespace leat
