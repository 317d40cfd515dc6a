#include "broker/fetch_waiters.h"

#include <utility>

namespace leat {

void FetchWaiters::Add(uint64_t partition_id, uint64_t number, std::shared_ptr<FetchWaiter> waiter,
                       uint32_t index) {
  if (partitions_[partition_id].emplace(number, Entry{std::move(waiter), index}).second) ++size_;
}

void FetchWaiters::Remove(uint64_t partition_id, uint64_t number) {
  const auto partition = partitions_.find(partition_id);
  if (partition == partitions_.end()) return;
  size_ -= partition->second.erase(number);
  if (partition->second.empty()) partitions_.erase(partition);
}

void FetchWaiters::Clear() {
  absl::flat_hash_map<uint64_t, Waiting> dropped;
  dropped.swap(partitions_);
  size_ = 0;
}

void FetchWaiters::Collect(uint64_t partition_id, Woken* woken) const {
  const auto partition = partitions_.find(partition_id);
  if (partition == partitions_.end()) return;
  for (const auto& [number, entry] : partition->second) {
    WokenWaiter& waiter = (*woken)[number];
    waiter.waiter = entry.waiter;
    waiter.indexes.push_back(entry.index);
  }
}

}  // namespace leat
