#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/log/checkpoint_entry.h"
#include "storage/log/commit_outcome.h"
#include "storage/log/log_environment.h"
#include "storage/log/partition_log.h"
#include "storage/log/position_hints.h"
#include "storage/log/recovery.h"
#include "storage/log/segment.h"
#include "storage/log/segment_reader.h"

namespace leat {

struct SegmentedLogOptions {
  std::string dir;  // of this partition alone
  uint64_t id = 0;
  std::string topic;
  uint32_t partition = 0;
  int32_t leader_epoch = 0;  // stamped into each batch (R17)
  std::shared_ptr<const TopicConfig> config;
};

// Batches to be made durable that lie together in one segment file, from byte `position` on.
struct CommitPiece {
  std::shared_ptr<SegmentFile> file;
  Offset base_offset = 0;
  Offset end_offset = 0;  // behind the last record
  uint64_t position = 0;
  uint64_t bytes = 0;
};

enum class CommitWay {
  kDirect,   // the segments themselves were synced
  kJournal,  // the pieces were made durable elsewhere; the segments follow
};

// What a commit has to make durable before FinishCommit: everything from the durable mark to the end (R1).
// Holds the files open.
struct CommitWork {
  LogPosition upto;                                 // the end of the log when the work was taken
  std::vector<CommitPiece> pieces;                  // what the journal needs, in order
  std::vector<std::shared_ptr<SegmentFile>> files;  // with unsynced bytes, oldest first
  std::shared_ptr<Directory> dir;                   // set when names in it are not durable yet
  uint64_t names_version = 0;                       // of the directory, for FinishCommit
  bool empty() const { return pieces.empty() && syncs() == 0; }
  size_t syncs() const { return files.size() + (dir == nullptr ? 0 : 1); }  // of the direct way
};

// The log of a partition in segment files. Any thread, except where said.
class SegmentedLog : public PartitionLog, public std::enable_shared_from_this<SegmentedLog> {
 public:
  // A new partition: the directory and an empty first segment. The caller makes their names durable, by syncs
  // of the directory and of the one that it is in, before anything is appended.
  static absl::StatusOr<std::shared_ptr<SegmentedLog>> Create(SegmentedLogOptions options,
                                                              const LogEnvironment& env);
  // What RecoverPartition found. Opens no file until one is needed.
  static absl::StatusOr<std::shared_ptr<SegmentedLog>> Open(SegmentedLogOptions options,
                                                            const LogEnvironment& env,
                                                            const RecoveredPartition& recovered);
  ~SegmentedLog() override;

  uint64_t id() const override { return options_.id; }
  const std::string& topic() const override { return options_.topic; }
  uint32_t partition() const override { return options_.partition; }
  const std::string& dir() const { return options_.dir; }
  absl::StatusOr<AppendResult> Append(const BatchHeader& header, absl::Span<char> batch,
                                      CommitUrgency urgency) override;
  void RequestCommit() override;
  absl::StatusOr<LogSlice> Read(Offset from, uint64_t max_bytes) override;
  absl::StatusOr<std::optional<TimestampedOffset>> FindTimestamp(int64_t timestamp_ms) override;
  absl::Status commit_status() const override;
  LogState state() const override;
  Offset visible_offset() const override;
  OffsetMarks marks() const override;

  // The commit side, one caller at a time. Between the two calls, under no lock, the caller either syncs what
  // the work names: the directory if there is one, and every file by SegmentFile::Sync (SyncCommitWork does
  // both); or makes the pieces durable in the journal.
  CommitWork BeginCommit();
  // Moves durable, and after the direct way synced, to work.upto when `result` is OK and no file of the work
  // has a recorded failure. Otherwise the partition refuses appends for good (kStorageError) and the outcome
  // carries why; what is durable can still be read. kUnknownTopic: the log was deleted meanwhile, which is no
  // failure of the disk.
  CommitOutcome FinishCommit(const CommitWork& work, const absl::Status& result,
                             CommitWay way = CommitWay::kDirect);
  // The same for what is durable but not synced in the segments: work without pieces, up to the durable mark;
  // then, after SyncCommitWork, synced moves there (R6). One caller at a time, beside that of the commits.
  // Gives the failure of the sync, which is final, or OK: so also for a log that was deleted meanwhile.
  CommitWork BeginSync();
  [[nodiscard]] absl::Status FinishSync(const CommitWork& work, const absl::Status& sync_result);
  // Of the synced mark, whose value was captured before the sync began. Nothing for a fenced partition that
  // came without one: then the next checkpoint must not name this partition either.
  std::optional<CheckpointEntry> checkpoint() const;

  // To be called every second or so: rolls by age and makes the new name durable, posts the writing of index
  // entries to the background. Blocks on the disk.
  void Maintain();
  // For new appends. The visible offset never goes back.
  void SetConfig(std::shared_ptr<const TopicConfig> config);
  // Appends, reads and commits fail with kUnknownTopic from now on; slices already handed out stay readable.
  // Waits for work of the background in the directory, which the caller renames afterwards (R20).
  void MarkDeleted();
  // Refuses appends from now on and writes the index files. Call it after the last commit; blocks.
  absl::Status Close();

 private:
  SegmentedLog(SegmentedLogOptions options, const LogEnvironment& env);

  // segmented_log.cc
  absl::Status Deleted() const;  // the error of whatever comes after that
  absl::Status CheckAppend(const BatchHeader& header, size_t bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  bool MustRoll(const BatchHeader& header, size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  bool Aged(const Segment& active) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  absl::Status Roll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  absl::Status MakeNextFile(const std::string& path) ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  absl::Status OpenDirectory() ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  void AddSegment(Offset base) ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  absl::Status WriteBatch(const BatchHeader& header, absl::string_view batch)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  absl::Status UndoWrite(const absl::Status& cause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  LogPosition EndPosition() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);

  // log_commit.cc
  // The one place where marks change; stops the process when they are out of order.
  void SetMarks(const OffsetMarks& marks) ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  void UpdateVisible() ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  void NoteNamesSynced(uint64_t version) ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  void AddUnsynced(CommitWork& work) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  void AddPieces(CommitWork& work) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  // What the sink has to be told once the door is closed.
  std::optional<CommitUrgency> NoteCommitNeeded(CommitUrgency urgency) ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  void FailCommits(const absl::Status& cause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  // Makes the names in the directory durable now. A failure is as final as in a commit.
  void SyncNames();

  // log_read.cc
  absl::Status CheckRead(Offset from) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  absl::StatusOr<std::shared_ptr<Segment>> SegmentOf(Offset offset) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  // The readable and visible part.
  SegmentSnapshot SnapshotOf(const Segment& segment) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  absl::Status ReadFailed(const absl::Status& status) const;

  // log_upkeep.cc; the posted parts run on the background executor
  void PostWriteOut(std::shared_ptr<SegmentIndex> index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  void PostPrepare() ABSL_EXCLUSIVE_LOCKS_REQUIRED(door_);
  void PostRebuild(std::shared_ptr<Segment> segment);
  void WriteOut(const std::shared_ptr<SegmentIndex>& index);
  void Prepare();
  void Rebuild(Segment& segment);

  const SegmentedLogOptions options_;
  const LogEnvironment env_;

  // Held while the background goes by names in the directory; taken before the door.
  Mutex names_;
  mutable Mutex door_;
  std::shared_ptr<const TopicConfig> config_ ABSL_GUARDED_BY(door_);
  std::vector<std::shared_ptr<Segment>> segments_ ABSL_GUARDED_BY(door_);
  OffsetMarks marks_ ABSL_GUARDED_BY(door_);
  LogPosition synced_ ABSL_GUARDED_BY(door_);
  LogPosition durable_ ABSL_GUARDED_BY(door_);
  LogPosition visible_ ABSL_GUARDED_BY(door_);
  std::vector<OffsetRange> lost_ ABSL_GUARDED_BY(door_);
  uint64_t bytes_ ABSL_GUARDED_BY(door_) = 0;
  PositionHints hints_ ABSL_GUARDED_BY(door_);
  absl::Status write_status_ ABSL_GUARDED_BY(door_);
  absl::Status commit_failure_ ABSL_GUARDED_BY(door_);  // sticky
  bool deleted_ ABSL_GUARDED_BY(door_) = false;
  bool fenced_ ABSL_GUARDED_BY(door_) = false;
  std::optional<CheckpointEntry> fenced_checkpoint_ ABSL_GUARDED_BY(door_);
  bool asked_now_ ABSL_GUARDED_BY(door_) = false;
  bool asked_later_ ABSL_GUARDED_BY(door_) = false;
  // Versions of the set of names in the directory: as it is, and as it is durable. The directory is open
  // while they differ, so that its sync cannot fail for want of a descriptor.
  uint64_t names_version_ ABSL_GUARDED_BY(door_) = 0;
  uint64_t names_synced_ ABSL_GUARDED_BY(door_) = 0;
  std::shared_ptr<Directory> unsynced_dir_ ABSL_GUARDED_BY(door_);
  bool prepared_ ABSL_GUARDED_BY(door_) = false;  // the next segment is there under its temporary name
  bool preparing_ ABSL_GUARDED_BY(door_) = false;
  bool writing_out_ ABSL_GUARDED_BY(door_) = false;  // of the active segment's index
  std::vector<std::shared_ptr<SegmentIndex>> unwritten_ ABSL_GUARDED_BY(door_);  // sealed; the disk was full
};

// Syncs the directory and the files of `work`; the first error.
absl::Status SyncCommitWork(const CommitWork& work);

}  // namespace leat
