#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "absl/container/flat_hash_map.h"

namespace leat {

// Somebody who waits for records to become visible.
class FetchWaiter {
 public:
  virtual ~FetchWaiter() = default;
  virtual void OnVisible() = 0;
};

// Who waits for records of which partition. Only on the lane's executor. Waiters are known by a number, which
// also gives the order of waking.
class FetchWaiters {
 public:
  using Woken = std::map<uint64_t, std::shared_ptr<FetchWaiter>>;

  void Add(uint64_t partition_id, uint64_t number, std::shared_ptr<FetchWaiter> waiter);
  void Remove(uint64_t partition_id, uint64_t number);
  // Forgets everybody without a word.
  void Clear();
  size_t size() const { return size_; }

  // Adds to `woken` who waits for the partition: each once, however many partitions have news.
  void Collect(uint64_t partition_id, Woken* woken) const;

 private:
  absl::flat_hash_map<uint64_t, Woken> partitions_;
  size_t size_ = 0;  // a waiter counts once for each of its partitions
};

}  // namespace leat
