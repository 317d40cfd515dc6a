#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "protocol/record/batch.h"
#include "protocol/record/mutex.h"
#include "storage/env/file_system.h"
#include "storage/log/marks.h"
#include "storage/meta/topic_config.h"

namespace leat {

// A range of one segment file: whole batches back to back. Holding it keeps the file open and readable, also
// when the segment or its topic is deleted meanwhile.
struct LogSlice {
  std::shared_ptr<const File> file;  // null when length is 0
  uint64_t position = 0;
  uint64_t length = 0;
  bool more_follows = false;  // visible batches come after these, perhaps in the next segment
};

struct LogState {
  OffsetMarks marks;
  Offset visible = 0;
  uint64_t bytes = 0;
  uint32_t segments = 0;
  int32_t leader_epoch = 0;
  absl::Status write_status;  // why appends are refused (kPartitionFenced, kStorageError), or OK
  // What was damaged or gone when the log was opened: reads there get kDataLoss. By offset; almost always
  // empty.
  std::vector<OffsetRange> lost;
};

struct TimestampedOffset {
  Offset offset = 0;
  int64_t timestamp_ms = 0;
};

struct AppendResult {
  Offset base_offset = 0;
  Offset next_offset = 0;  // the batch is durable once marks.durable >= next_offset
  OffsetMarks marks;       // right after the append
};

enum class CommitUrgency {
  kNow,    // somebody waits for durability
  kLater,  // within TopicConfig::flush_ms; a durable topic commits at once all the same
};

// One partition: an ordered chain of segments, the last one active. The class is the partition's door: each
// change of state happens under its mutex, one caller at a time. Reads take a snapshot under the door and do
// their I/O outside. Any thread.
//
class PartitionLog {
 public:
  virtual ~PartitionLog() = default;

  virtual uint64_t id() const = 0;  // never reused
  virtual const std::string& topic() const = 0;
  virtual uint32_t partition() const = 0;

  // Appends one batch that ValidateBatch has accepted, `header` being its result. Stamps base offset and
  // leader epoch into `batch`, writes it (page cache only) and queues the partition for commit.
  // Errors: kDiskFull, kLimitExceeded (no descriptor to be had; nothing was appended, try again later),
  // kPartitionFenced, kStorageError (appends are
  // refused from now on), kBatchTooLarge (does not fit into a segment), kUnknownTopic (deleted meanwhile).
  [[nodiscard]] virtual absl::StatusOr<AppendResult> Append(const BatchHeader& header, absl::Span<char> batch,
                                                            CommitUrgency urgency) = 0;

  // Queues what is written for commit now.
  virtual void RequestCommit() = 0;

  // Whole visible batches from the one that holds `from`, at most `max_bytes` of them but at least one, all
  // from one segment. Empty when `from` is the visible offset. kOffsetOutOfRange (the message gives the
  // present range) below the log start or above the visible offset; kDataLoss, kStorageError.
  [[nodiscard]] virtual absl::StatusOr<LogSlice> Read(Offset from, uint64_t max_bytes) = 0;

  // The first visible record whose timestamp is >= timestamp_ms, by offset; nothing when there is none.
  [[nodiscard]] virtual absl::StatusOr<std::optional<TimestampedOffset>> FindTimestamp(
      int64_t timestamp_ms) = 0;

  // OK, or why what is appended but not durable yet never will be for certain: kUnknownTopic (deleted),
  // kOutcomeUnknown (a sync failed).
  virtual absl::Status commit_status() const = 0;

  virtual LogState state() const = 0;
  // Cheap forms of parts of state().
  virtual Offset visible_offset() const = 0;
  virtual OffsetMarks marks() const = 0;
};

}  // namespace leat
