#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/consumer.h"
#include "client/internal/client_core.h"
#include "client/internal/consumer_partition.h"
#include "protocol/record/mutex.h"

namespace leat {

class ConsumerFetcher;

// Who waits in PollAsync.
struct PollWaiter {
  Promise<absl::StatusOr<ConsumedRecords>> promise;
  uint64_t number = 0;
};

// What a consumer shares between the threads that poll and the io thread: partitions, positions, fetched
// chunks. The io side is consumer_fetcher.h.
class ConsumerCore final : public ClientCore::Member, public std::enable_shared_from_this<ConsumerCore> {
 public:
  ConsumerCore(std::shared_ptr<ClientCore> client, ConsumerOptions options);
  ~ConsumerCore() override;
  // Once, after construction. kShuttingDown when the client is closed.
  absl::Status Open();

  // Any thread; see consumer.h.
  Future<absl::Status> Assign(std::vector<Assignment> assignments);
  Future<absl::Status> AssignTopics(std::vector<std::string> topics, ReadFrom from);
  std::vector<TopicPartition> Assigned() const;
  Future<absl::Status> Seek(const TopicPartition& partition, ReadFrom from);
  // With `stop`: returns early, empty, once it is set and Wake was called.
  absl::StatusOr<ConsumedRecords> Poll(absl::Duration timeout, const std::atomic<bool>* stop);
  absl::StatusOr<ConsumedRecords> TryPoll();
  Future<absl::StatusOr<ConsumedRecords>> PollAsync(absl::Duration timeout);
  absl::Status SetPaused(const std::vector<TopicPartition>& partitions, bool paused);
  absl::StatusOr<PartitionProgress> Progress(const TopicPartition& partition) const;
  Future<absl::StatusOr<std::map<TopicPartition, Offset>>> EndOffsets() const;
  size_t prefetched_bytes() const;
  // Gives back the last records of a poll that nobody looked at: their partitions go on there.
  void Rewind(absl::Span<const ConsumedRecord> unseen);
  void Wake();
  // Drops everything; polls fail with `reason` from then on.
  void Close(const absl::Status& reason);

  void OnClientClosed() override;

 private:
  friend class ConsumerFetcher;
  using Polled = absl::StatusOr<ConsumedRecords>;
  using Tokens = std::vector<std::shared_ptr<PositionToken>>;
  // A chunk taken out of its partition to be decoded without the lock.
  struct Work {
    TopicPartition id;
    uint64_t generation = 0;
    Offset position = 0;
    ChunkReader reader;
  };

  ConsumerPartition* Find(const TopicPartition& partition) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The same, unless the partition was aimed anew since.
  ConsumerPartition* Find(const TopicPartition& partition, uint64_t generation) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Points the partition at `from`; the token that waited before goes to `dropped`, to be let go without the
  // lock.
  void Aim(ConsumerPartition& partition, ReadFrom from, const std::shared_ptr<PositionToken>& token,
           Tokens& dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HoldAll(bool held);
  void DropAll(const absl::Status& reason, Tokens& dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Rests the partition and keeps `error` for the next poll.
  void Halt(ConsumerPartition& partition, const absl::Status& error, Tokens& dropped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddChunk(ConsumerPartition& partition, std::shared_ptr<const FetchedChunk> chunk)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Whether Collect would give something.
  bool HasSomething() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What is there, decoded; empty when nothing is.
  Polled Collect();
  std::optional<Work> TakeWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status TakeError() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // False: the partition was aimed anew meanwhile, what was read of it is void.
  bool PutBack(Work work, const absl::Status& status, Tokens& dropped) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Hands what is there to PollAsync.
  void ServeWaiter();
  void ExpireWaiter(uint64_t number);
  void PostTurn();

  const std::shared_ptr<ClientCore> client_;
  ConsumerOptions options_;
  std::unique_ptr<ConsumerFetcher> fetcher_;  // on the io thread
  TimerQueue::Id waiter_timer_;               // on the io thread: of the latest PollAsync

  mutable Mutex mutex_;
  CondVar arrived_;
  std::map<TopicPartition, std::unique_ptr<ConsumerPartition>> partitions_ ABSL_GUARDED_BY(mutex_);
  // One entry per chunk, in the order of arrival, and one per halted partition; some of them out of date.
  std::deque<std::pair<TopicPartition, uint64_t>> readable_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<TopicPartition, uint64_t>> failed_ ABSL_GUARDED_BY(mutex_);
  size_t buffered_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool starved_ ABSL_GUARDED_BY(mutex_) = false;  // a fetch waits for bytes to be polled
  uint64_t next_generation_ ABSL_GUARDED_BY(mutex_) = 1;
  std::optional<PollWaiter> waiter_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_waiter_ ABSL_GUARDED_BY(mutex_) = 1;
  bool turn_posted_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leat
