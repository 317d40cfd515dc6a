#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "protocol/record/mutex.h"
#include "storage/env/executor.h"
#include "storage/env/file_system.h"
#include "storage/journal/journal_format.h"
#include "storage/log/segmented_log.h"

// The commit journal: one sync makes a group of batches of many partitions durable (design D4,
// durability-rules R3 to R6).

namespace leat {

// Files are filled with zeros before their turn, so that the sync of a group has no size to commit, and never
// used twice. They are removed when everything in them is synced in the segments and a checkpoint says so.
class Journal {
 public:
  struct Options {
    std::string dir;
    std::string journal_id;
    uint64_t file_bytes = 16 << 20;
    uint64_t bytes_max = 256 << 20;  // of all files; what does not fit is committed without the journal
  };
  // Where this start goes on (R16).
  struct Start {
    uint64_t epoch = 1;
    uint64_t accepted_sequence = 0;
    uint64_t file_number = 1;
    std::vector<std::string> former_files;  // removed after the first checkpoint
  };

  // Opens a new epoch: its first file is durable on return. `background` makes and removes files; it and `fs`
  // outlive the journal, which must not be used by tasks after `background` has stopped.
  static absl::StatusOr<std::unique_ptr<Journal>> Open(FileSystem& fs, Executor& background,
                                                       const Options& options, const Start& start);

  enum class Result {
    kDurable,     // everything in the works is
    kNotWritten,  // there was no room, or it could not be written: commit the group in another way
    kSyncFailed,  // final (D7)
  };
  // Writes the pieces of `works` and a trailer and syncs. Blocks. Commit executor only, like WriteMarks.
  Result Commit(absl::Span<const std::shared_ptr<SegmentedLog>> logs, absl::Span<const CommitWork> works);
  // Notes how far partitions are synced without the journal (R4): durable with the next group, and not
  // waited for. What cannot be written is left out.
  void WriteMarks(absl::Span<const CheckpointEntry> entries);
  // Of the last call that did not end well.
  const absl::Status& error() const { return error_; }

  // For checkpoints (R6), any thread. First HeadSequence, behind all durable frames; then the entries are
  // collected, of which `synced` is a part; then OldestNeeded: what is journaled meanwhile lies behind the
  // head.
  uint64_t HeadSequence() const;
  uint64_t OldestNeeded(uint64_t head, const absl::flat_hash_map<uint64_t, Offset>& synced) const;
  // A durable checkpoint names `oldest` as the first frame that is still needed.
  void RemoveBelow(uint64_t oldest);

  uint64_t epoch() const { return start_.epoch; }

  struct Stats {
    uint64_t files = 0;
    uint64_t bytes = 0;  // on disk
    uint64_t bytes_max = 0;
    uint64_t bytes_written = 0;
  };
  Stats stats() const;
  // True when so much of the allowed room is taken that segments should be synced to free some.
  bool UnderPressure() const;

 private:
  struct JournalFile {
    uint64_t number = 0;
    std::string path;
    std::shared_ptr<File> file;
    uint64_t bytes = 0;  // on disk
    // From here on once in use.
    uint64_t first_sequence = 0;
    bool header_durable = false;
    // Up to where each partition that has frames here must be synced before the file may go.
    absl::flat_hash_map<uint64_t, Offset> needed;
  };

  Journal(FileSystem& fs, Executor& background, const Options& options, const Start& start);

  absl::Status OpenFirst(const std::string& first_path);
  // Makes room for a group in the active file, if need be by turning to the next one.
  absl::Status MakeRoom(uint64_t bytes);
  absl::Status TurnTo(const std::shared_ptr<JournalFile>& next);
  absl::Status Fill(absl::Span<const std::shared_ptr<SegmentedLog>> logs, absl::Span<const CommitWork> works);
  absl::Status Write(absl::string_view group);
  absl::Status Sync();
  void NoteDurable(absl::Span<const std::shared_ptr<SegmentedLog>> logs, absl::Span<const CommitWork> works);
  Result NotWritten(const absl::Status& cause);

  // The next file, made on the background executor.
  void PrepareNext();
  void MakeNext(const std::shared_ptr<JournalFile>& file);
  void ZeroFill(const std::shared_ptr<JournalFile>& file);
  void GiveUpNext(const std::shared_ptr<JournalFile>& file);

  FileSystem& fs_;
  Executor& background_;
  const Options options_;
  const Start start_;

  // Commit executor only.
  JournalGroupBuilder builder_;
  std::shared_ptr<File> active_;
  uint64_t position_ = 0;     // of the next group in the active file
  uint64_t capacity_ = 0;     // beyond, a group goes to the next file
  bool filled_ = false;       // the active file was filled with zeros
  bool broken_ = false;       // a write to the active file failed: nothing may follow there
  bool unsynced_ = false;     // marks were written to the active file and not synced
  bool sync_failed_ = false;  // for good
  uint64_t next_sequence_ = 0;
  absl::Status error_;

  mutable Mutex mutex_;
  std::deque<std::shared_ptr<JournalFile>> files_ ABSL_GUARDED_BY(mutex_);  // in use, the last one is active
  std::shared_ptr<JournalFile> next_ ABSL_GUARDED_BY(mutex_);               // filled and durable
  bool preparing_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t durable_sequence_ ABSL_GUARDED_BY(mutex_) = 0;  // all frames up to here are durable
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> former_files_ ABSL_GUARDED_BY(mutex_);
  uint64_t bytes_written_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace leat
