#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

namespace leat {

// Somebody who waits for records to become visible.
class FetchWaiter {
 public:
  virtual ~FetchWaiter() = default;
  // There is news of the partitions that were registered with these indexes, each once.
  virtual void OnVisible(absl::Span<const uint32_t> indexes) = 0;
};

// Who waits for records of which partition. Only on the lane's executor. Waiters are known by a number, which
// also gives the order of waking.
class FetchWaiters {
 public:
  struct WokenWaiter {
    std::shared_ptr<FetchWaiter> waiter;
    std::vector<uint32_t> indexes;
  };
  using Woken = std::map<uint64_t, WokenWaiter>;

  // `index` is the waiter's own name for the partition, which it registers once.
  void Add(uint64_t partition_id, uint64_t number, std::shared_ptr<FetchWaiter> waiter, uint32_t index);
  void Remove(uint64_t partition_id, uint64_t number);
  // Forgets everybody without a word.
  void Clear();
  size_t size() const { return size_; }

  // Adds to `woken` who waits for the partition: each once, with all of its partitions that have news.
  void Collect(uint64_t partition_id, Woken* woken) const;

 private:
  struct Entry {
    std::shared_ptr<FetchWaiter> waiter;
    uint32_t index;
  };
  using Waiting = std::map<uint64_t, Entry>;

  absl::flat_hash_map<uint64_t, Waiting> partitions_;
  size_t size_ = 0;  // a waiter counts once for each of its partitions
};

}  // namespace leat
