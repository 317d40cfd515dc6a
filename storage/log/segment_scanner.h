#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "protocol/record/batch.h"
#include "storage/env/file_system.h"

namespace leat {

enum class ScanDepth {
  kHeaders,  // lengths and offsets: what lookups and index building need
  kChecked,  // and the CRC of every batch
};

struct ScanOptions {
  uint64_t from = 0;     // where a batch starts
  uint64_t to = 0;       // where to stop; bytes beyond are not looked at
  Offset expected = -1;  // base offset of the first batch; -1: whatever it has
  ScanDepth depth = ScanDepth::kChecked;
  size_t chunk_bytes = 1 << 20;  // read at once; a batch may be larger
};

struct ScannedBatch {
  BatchHeader header;
  uint64_t position = 0;
  uint64_t next_position() const { return position + header.total_bytes(); }
};

// The first place where the bytes are not the next batch.
struct ScanDamage {
  uint64_t position = 0;
  Offset expected = 0;  // the offset that should be there
  std::string reason;
};

// Walks the batches of a segment's log file, the same for recovery, index building, lookups, verification and
// fuzzing. Every byte is doubted: no length is believed beyond the end given, memory stays at one chunk.
// Offsets must follow each other without a gap. One thread.
class SegmentScanner {
 public:
  // `file` outlives the scanner.
  SegmentScanner(const File& file, const ScanOptions& options);

  // The next batch; nothing at the end or at damage (then damage() says so). Errors are I/O errors only.
  absl::StatusOr<std::optional<ScannedBatch>> Next();

  const std::optional<ScanDamage>& damage() const { return damage_; }
  // Where the next batch starts, and its offset: behind the last good one. The offset is -1 when it is not
  // known.
  uint64_t position() const { return position_; }
  Offset next_offset() const { return next_offset_; }

  // After damage: the first position behind it where a whole valid batch with a later offset starts. Nothing
  // when there is none. When too many places look like a batch and are not, the first one is given: better a
  // batch too many than bytes taken for garbage.
  absl::StatusOr<std::optional<ScannedBatch>> FindBatchAfterDamage();

 private:
  // Makes at least `bytes` at `position` available, if the file has them; gives what is there.
  absl::StatusOr<absl::string_view> Fetch(uint64_t position, size_t bytes);
  absl::StatusOr<bool> CrcMatches(const ScannedBatch& batch);
  void Damage(absl::string_view reason);

  const File& file_;
  const ScanOptions options_;
  uint64_t position_;
  Offset next_offset_;
  std::optional<ScanDamage> damage_;
  std::vector<char> buffer_;
  uint64_t buffer_position_ = 0;
  size_t buffer_bytes_ = 0;
};

}  // namespace leat
