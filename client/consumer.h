#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/consumed_record.h"
#include "client/future.h"
#include "client/read_error.h"
#include "client/record.h"

namespace leat {

class ConsumerCore;
class ConsumerRunner;
class RecordRange;

// What to do when a position lies outside of what the partition holds, because it was deleted or never
// existed.
enum class OutOfRange : uint8_t { kError, kStart, kEnd };

struct ConsumerOptions {
  // Fetched and not yet polled, over all partitions; one batch more when a single one is larger.
  size_t prefetch_bytes_max = 32 * 1024 * 1024;
  // Of one reply, and of one partition in it. 0: the broker's limit.
  size_t fetch_bytes_max = 8 * 1024 * 1024;
  size_t partition_bytes_max = 1024 * 1024;
  // The broker answers when it has min_bytes or max_wait has passed. Replies that come early cost a request
  // each.
  size_t fetch_min_bytes = 1;
  absl::Duration fetch_max_wait = absl::Milliseconds(500);
  // Records that one poll gives at most.
  size_t poll_records_max = 10'000;
  OutOfRange out_of_range = OutOfRange::kError;
  // A batch that decompresses to more is refused: kCorruptBatch. A poll ends once its batches gave this much.
  size_t decompressed_bytes_max = 64 * 1024 * 1024;
  // Told about each change of the assignment, before its first record and after its last: on the thread that
  // calls Assign, Unassign or the destructor, for AssignTopics on the io thread. They may call the consumer.
  absl::AnyInvocable<void(const std::vector<TopicPartition>&)> on_assigned = nullptr;
  absl::AnyInvocable<void(const std::vector<TopicPartition>&)> on_revoked = nullptr;
};

// Where to begin in a partition.
struct ReadFrom {
  enum class Kind : uint8_t { kStart, kEnd, kOffset, kTime };
  Kind kind = Kind::kStart;
  int64_t value = 0;

  static ReadFrom Start() { return {Kind::kStart, 0}; }  // the oldest record kept
  static ReadFrom End() { return {Kind::kEnd, 0}; }      // what becomes visible after the call
  static ReadFrom At(Offset offset) { return {Kind::kOffset, offset}; }
  // The first record with this timestamp or a later one (ms since 1970); the end when there is none.
  static ReadFrom Time(int64_t timestamp_ms) { return {Kind::kTime, timestamp_ms}; }
};

struct Assignment {
  TopicPartition partition = {};
  ReadFrom from = {};
};

// Figures of one partition as of the latest reply of the broker.
struct PartitionProgress {
  Offset position = -1;  // of the next record that a poll gives; -1 while it is being looked up
  Offset log_start_offset = -1;
  Offset visible_offset = -1;  // consumers read below it; -1 before the first reply
  int64_t lag = -1;            // visible_offset - position; -1 while either is unknown
  bool paused = false;
};

// Reads partitions that the program assigns; groups will assign through the same calls and callbacks later.
// It fetches ahead into bounded memory, and goes on where it was when the daemon comes back.
//
// Records of one partition come in order of offset, each once per position. An error that stays (offset out
// of range, unknown partition, a batch that cannot be read) is given by one poll; its partition then rests
// until it is sought or assigned again, the others go on. read_error.h tells what and where, and how to read
// on behind it.
//
// Any thread; but use one thread for polling, or records of a partition are spread over several. Blocking
// calls are not for the io thread.
class Consumer {
 public:
  // kInvalidRequest for unusable options.
  static absl::StatusOr<std::unique_ptr<Consumer>> Create(Client& client, ConsumerOptions options = {});

  ~Consumer();  // Stop and Unassign
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // Replaces the assignment. The future completes when every position is known (records that are produced
  // after that and ReadFrom::End() are seen); the error names the partition. kUnknownTopic,
  // kUnknownPartition, kTimedOut after the client's operation_timeout; kInvalidRequest, and nothing changes,
  // for an impossible or repeated partition. Waiting for it is optional.
  Future<absl::Status> Assign(std::vector<Assignment> assignments);
  // All partitions that the topics have now.
  Future<absl::Status> AssignTopics(std::vector<std::string> topics, ReadFrom from);
  void Unassign();
  std::vector<TopicPartition> Assigned() const;

  // Moves an assigned partition; what was fetched of it is dropped. kInvalidRequest when it is not assigned.
  Future<absl::Status> Seek(const TopicPartition& partition, ReadFrom from);

  // Waits up to `timeout` for records. Empty: none came. The error: see above, or kShuttingDown.
  absl::StatusOr<ConsumedRecords> Poll(absl::Duration timeout);
  // What has been fetched already, without waiting.
  absl::StatusOr<ConsumedRecords> TryPoll();
  // Poll without blocking: completes with records, an error, or empty after `timeout`. One at a time.
  Future<absl::StatusOr<ConsumedRecords>> PollAsync(absl::Duration timeout = absl::InfiniteDuration());

  // for (const ConsumedRecord& record : consumer.Records(...)): see record_range.h, which has to be included.
  // The range borrows the consumer.
  RecordRange Records();  // for ever
  // To the ends that are visible when the loop begins; gives up when no record comes for `timeout`.
  RecordRange RecordsUntilEnd(absl::Duration timeout);

  // Hands every record to `handler` on a thread of the consumer's own, until Stop or an error of the handler.
  // An error of a poll goes to `on_error`: true goes on with the other partitions; false, or no on_error,
  // ends the run. Neither may throw. One run at a time; do not poll meanwhile. kInvalidRequest when a run is
  // on.
  using RecordHandler = absl::AnyInvocable<absl::Status(const ConsumedRecord&)>;
  using ErrorHandler = absl::AnyInvocable<bool(const absl::Status&)>;
  absl::Status Run(RecordHandler handler, ErrorHandler on_error = nullptr);
  // Ends the run and waits for the handler to return; the error that ended it before, if one did. Not from
  // the handler.
  absl::Status Stop();

  // A paused partition gives no records, holds none, and keeps its position. kInvalidRequest: not assigned.
  absl::Status Pause(const std::vector<TopicPartition>& partitions);
  absl::Status Resume(const std::vector<TopicPartition>& partitions);

  // kInvalidRequest: not assigned.
  absl::StatusOr<PartitionProgress> Progress(const TopicPartition& partition) const;
  // Asks the broker for the visible offsets of all assigned partitions.
  Future<absl::StatusOr<std::map<TopicPartition, Offset>>> EndOffsets() const;
  // Bytes fetched and not yet polled.
  size_t prefetched_bytes() const;

 private:
  explicit Consumer(std::shared_ptr<ConsumerCore> core);
  std::shared_ptr<ConsumerCore> core_;
  std::unique_ptr<ConsumerRunner> runner_;
};

}  // namespace leat
