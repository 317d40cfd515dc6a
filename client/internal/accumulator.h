#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/internal/monotonic.h"
#include "client/internal/send_batch.h"

namespace leat {

// The batches of one partition, oldest first. Only the front may be under way, only the back takes records.
struct PartitionQueue {
  PartitionQueue(std::shared_ptr<const std::string> topic_name, int32_t number)
      : topic(std::move(topic_name)), partition(number) {}

  // kWaiting: in the back-off after a failure, or lingering. kReady: may leave now.
  enum class State { kIdle, kWaiting, kReady, kInFlight };

  const std::shared_ptr<const std::string> topic;
  const int32_t partition;
  State state = State::kIdle;
  std::deque<std::shared_ptr<SendBatch>> batches;
  MonotonicTime due{};  // of kWaiting
  // Of the next batch that is sealed. A new epoch begins when it is not known whether a batch was stored:
  // nobody could tell a gap from a lost batch then.
  int16_t epoch = 0;
  int32_t next_sequence = 0;
  // What the broker took at most; less than AccumulatorOptions::batch_bytes once it refused a batch for its
  // size.
  size_t batch_bytes_max = std::numeric_limits<size_t>::max();

  void NextEpoch() {
    epoch = static_cast<int16_t>((epoch + 1) & 0x7fff);
    next_sequence = 0;
  }
};

struct AccumulatorOptions {
  size_t batch_bytes = 0;
  Codec codec = Codec::kNone;
  absl::Duration linger;
  absl::Duration delivery_timeout;
};

// Gathers records into batches and says which may leave. Pure: no I/O, no lock, no clock; the caller keeps
// the queues alive. The order of a partition holds because at most its front batch is under way and a failed
// one stays at the front.
class Accumulator {
 public:
  explicit Accumulator(const AccumulatorOptions& options) : options_(options) {}

  struct Place {
    std::shared_ptr<SendBatch> batch;
    uint32_t index = 0;
    bool wake = false;  // something may leave, or leave earlier, than before
  };
  struct Addition {
    const RecordRef& record;
    int64_t timestamp_ms = 0;
    size_t encoded_bytes = 0;  // an upper bound of what the record takes in the batch
    size_t charged_bytes = 0;
  };
  // `now` is looked at only when the record begins a batch.
  Place Append(PartitionQueue& queue, const Addition& addition, MonotonicTime now);

  // True when Append would begin a batch.
  bool BeginsBatch(const PartitionQueue& queue, size_t encoded_bytes) const;

  // Makes ready what has waited long enough.
  void Advance(MonotonicTime now);
  // The front batches of ready partitions, at most `count`, and `bytes` in total but at least one. They are
  // under way until Done or Retry.
  std::vector<std::pair<PartitionQueue*, std::shared_ptr<SendBatch>>> Take(size_t bytes, size_t count);

  // The front batch, which was under way, has succeeded or failed for good.
  void Done(PartitionQueue& queue);
  // The front batch has to be sent again at `when`.
  void Retry(PartitionQueue& queue, MonotonicTime when);
  // The front batch, which was under way, goes on as `parts`, in their order.
  void Replace(PartitionQueue& queue, const std::vector<std::shared_ptr<SendBatch>>& parts);
  // Takes out what is past its deadline and not under way.
  std::vector<std::shared_ptr<SendBatch>> TakeExpired(MonotonicTime now);

  // Nothing that is here now lingers any longer. False when nothing did.
  bool EndLinger();
  // All batches that are not settled.
  std::vector<std::shared_ptr<SendBatch>> Live() const;
  // Takes out everything, under way or not.
  std::vector<std::shared_ptr<SendBatch>> Clear();

  bool has_ready() const { return !ready_.empty(); }
  // When Advance or TakeExpired has something to do next.
  MonotonicTime NextEvent() const;

 private:
  using AgeKey = std::pair<MonotonicTime, uint64_t>;  // deadline, number

  static AgeKey KeyOf(const SendBatch& batch);
  static bool Lingers(const PartitionQueue& queue);
  size_t BatchBytes(const PartitionQueue& queue) const;
  bool IsFull(const PartitionQueue& queue, const SendBatch& batch) const;
  void MakeReady(PartitionQueue& queue);
  void MakeWait(PartitionQueue& queue, MonotonicTime due);
  void Leave(PartitionQueue& queue);
  void Settle(PartitionQueue& queue);

  const AccumulatorOptions options_;
  std::deque<PartitionQueue*> ready_;
  std::set<std::pair<MonotonicTime, PartitionQueue*>> waiting_;
  struct Waiting {
    PartitionQueue* queue;
    std::shared_ptr<SendBatch> batch;
  };
  std::map<AgeKey, Waiting> by_deadline_;  // the batches that are not under way
  std::set<PartitionQueue*> in_flight_;
  uint64_t next_number_ = 1;
  bool lingers_ = false;  // a batch may
  MonotonicTime advanced_to_{};
};

}  // namespace leat
