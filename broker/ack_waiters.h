#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "absl/status/status.h"
#include "broker/metrics.h"
#include "storage/log_store.h"

namespace leat {

// Somebody who waits until appended batches are durable.
class AckWaiter {
 public:
  virtual ~AckWaiter() = default;
  // The batch that was registered as `index` is durable, or never will be for certain.
  virtual void OnAck(uint32_t index, const absl::Status& status) = 0;
};

// Who waits for durability in which partition, by offset. Only on the lane's executor.
class AckWaiters {
 public:
  explicit AckWaiters(Metrics& metrics) : metrics_(metrics) {}

  // `waiter` is told when the durable offset of the partition reaches `next_offset`.
  void Add(uint64_t partition_id, Offset next_offset, std::shared_ptr<AckWaiter> waiter, uint32_t index);
  void Remove(uint64_t partition_id, Offset next_offset);
  size_t size() const { return size_; }

  void OnCommitted(const CommitOutcome& outcome);
  // No sync can be trusted any more: everybody gets `status`.
  void FailAll(const absl::Status& status);
  // Forgets everybody without a word.
  void Clear();

 private:
  struct Entry {
    std::shared_ptr<AckWaiter> waiter;
    uint32_t index;
  };
  using Partition = std::map<Offset, Entry>;  // by next_offset, which is unique in a partition

  void Shrink(size_t by);

  Metrics& metrics_;
  std::map<uint64_t, Partition> partitions_;
  size_t size_ = 0;
};

}  // namespace leat
