#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/env/file_system.h"
#include "storage/log/index_builder.h"
#include "storage/log/segment_scanner.h"

// The check of a segment's index files when a log is opened. The files are a cache: whatever is wrong with
// them, the answer is to build them anew from the log.

namespace leat {

struct IndexCheckInput {
  std::string dir;
  Offset base = 0;
  uint64_t bytes = 0;  // size of the log file
  // The part of the log that is taken as sound without its checksums; entries beyond are not believed.
  uint64_t trusted = 0;
  Offset trusted_next = std::numeric_limits<Offset>::max();  // an entry of a batch from here on is beyond
  // The offset behind the trusted part, when something else tells it; -1 when nothing does. If the last batch
  // says otherwise, its checksum is asked.
  Offset trusted_end = -1;
  // The files must hold all there is to say about the trusted part, the final time entry included.
  bool complete = false;
  int64_t interval_bytes = 4096;
};

// One index as it was found.
struct IndexFileState {
  bool exists = false;
  std::string bytes;
  std::string problem;  // why it has to be built anew; empty when it has not
};

struct CheckedIndex {
  IndexBuilder builder;  // every entry of the trusted part, ready to go on behind it
  IndexFileState offsets;
  IndexFileState times;
  // How far the batch headers of the trusted part are sound.
  uint64_t good_bytes = 0;
  Offset good_next = 0;
  std::optional<ScanDamage> damage;
  bool unreadable = false;  // the damage is an error of the file system, not wrong bytes
};

// Reads the index files, keeps what agrees with itself and with the log, and walks the batch headers behind
// the last believed entries, so that the result is what the write rule demands. Reads no more of the log than
// that.
[[nodiscard]] CheckedIndex CheckIndex(FileSystem& fs, const File& log, const IndexCheckInput& input);

// Writes the files when they differ from what `checked.builder` holds, and empties the builder of what the
// files hold then. Gives a line for each file that had a problem ("rebuilt 00000000000000000000.index of
// orders-0: missing"). When the disk refuses, the entries stay in memory and nothing is lost.
std::vector<std::string> SettleIndex(FileSystem& fs, const IndexCheckInput& input,
                                     const std::string& log_name, CheckedIndex& checked, FiledIndex& filed);

}  // namespace leat
