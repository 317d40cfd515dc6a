#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/record/batch.h"
#include "storage/log/checkpoint_entry.h"

// The bytes of the commit journal (durability-rules R3 to R5); storage/FORMAT.md specifies them.

namespace leat {

// The file header takes one block, and each group starts with a block: no write touches a block that holds
// bytes of an earlier group.
inline constexpr size_t kJournalBlockBytes = 4096;
inline constexpr size_t kJournalFrameBytes = 80;  // header of a frame, before its payload

struct JournalFileHeader {
  std::string journal_id;          // UUID, that of the data directory's `format`
  uint64_t epoch = 0;              // one for each start of the store
  uint64_t first_sequence = 0;     // of the first frame in this file
  uint64_t accepted_sequence = 0;  // the last frame of former epochs that counts; 0: none

  bool operator==(const JournalFileHeader&) const = default;
};

enum class JournalFileState {
  kValid,
  kBlank,    // zeros: made ahead of its turn
  kNewer,    // written by a newer program
  kDamaged,  // anything else
};

// One block.
std::string EncodeJournalFileHeader(const JournalFileHeader& header);
// `block` is the beginning of a file, perhaps short. Fills `header` when valid.
JournalFileState DecodeJournalFileHeader(absl::string_view block, JournalFileHeader& header);

enum class JournalFrameType : uint32_t {
  kData = 1,     // batches of one partition that lie together in one segment
  kMark = 2,     // how far a partition is synced in its own segments
  kTrailer = 3,  // ends a group: what comes before it counts only with it
};

struct JournalFrame {
  JournalFrameType type = JournalFrameType::kData;
  uint32_t payload_bytes = 0;
  uint64_t epoch = 0;
  uint64_t sequence = 0;          // grows by one with each frame, never used again
  uint64_t durable_sequence = 0;  // up to here all frames were durable when this one was written
  uint64_t partition_id = 0;      // of a trailer: frames in its group, itself not counted
  Offset base_offset = 0;         // of a mark: log start; of a trailer: 0
  Offset end_offset = 0;          // behind the last record; of a mark: synced
  Offset segment_base = 0;        // where the payload lies, or the mark points to
  uint64_t position = 0;

  bool operator==(const JournalFrame&) const = default;
};

// Puts one group together. The buffer is kept from group to group.
class JournalGroupBuilder {
 public:
  struct Start {
    uint64_t epoch = 0;
    uint64_t first_sequence = 0;
    uint64_t durable_sequence = 0;
  };
  void Begin(const Start& start);

  // A data frame; the caller fills the span, which is valid until the next call, before Finish.
  absl::Span<char> AddData(const JournalFrame& place, uint32_t payload_bytes);
  void AddMark(const CheckpointEntry& entry);

  // With trailer, checksums and padding to whole blocks. Valid until the next Begin.
  absl::string_view Finish();

  uint64_t next_sequence() const { return next_sequence_; }

  // Bytes that a group of so many data frames and payload takes.
  static uint64_t BytesOf(size_t frames, uint64_t payload_bytes);

 private:
  char* AddFrame(JournalFrame frame);

  Start start_;
  uint64_t next_sequence_ = 0;
  std::string buffer_;
  std::vector<size_t> starts_;  // of frames in the buffer
};

struct ParsedJournalFrame {
  JournalFrame frame;
  size_t payload_position = 0;  // in the bytes that were parsed
};

struct ParsedJournalGroup {
  std::vector<ParsedJournalFrame> frames;  // without the trailer
  uint64_t last_sequence = 0;              // of the trailer
  size_t bytes = 0;                        // whole blocks
};

// The group that `bytes` start with, when it is whole and its first frame has this epoch and sequence.
std::optional<ParsedJournalGroup> ParseJournalGroup(absl::string_view bytes, uint64_t epoch,
                                                    uint64_t sequence);

// The frame that `bytes` start with, when it is whole: for looking behind damage.
std::optional<JournalFrame> ParseJournalFrame(absl::string_view bytes);

}  // namespace leat
