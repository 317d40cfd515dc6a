#include "broker/ack_waiters.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

// What a waiter is told when the commit of its batch failed. A deleted topic is a definite answer; after
// anything else nobody knows what a power loss would leave.
absl::Status Outcome(const absl::Status& status) {
  const ErrorCode code = CodeOf(status);
  if (code == ErrorCode::kUnknownTopic || code == ErrorCode::kOutcomeUnknown) return status;
  return MakeError(ErrorCode::kOutcomeUnknown,
                   absl::StrCat("the batch was written, but making it durable failed; it may or may not "
                                "survive: ",
                                status.message()));
}

}  // namespace

void AckWaiters::Add(uint64_t partition_id, Offset next_offset, std::shared_ptr<AckWaiter> waiter,
                     uint32_t index) {
  Partition& partition = partitions_[partition_id];
  partition.emplace_hint(partition.end(), next_offset, Entry{std::move(waiter), index});
  ++size_;
  metrics_.ack_waiters.Add();
}

void AckWaiters::Remove(uint64_t partition_id, Offset next_offset) {
  const auto partition = partitions_.find(partition_id);
  if (partition == partitions_.end()) return;
  Shrink(partition->second.erase(next_offset));
  if (partition->second.empty()) partitions_.erase(partition);
}

void AckWaiters::OnCommitted(const CommitOutcome& outcome) {
  const auto partition = partitions_.find(outcome.log->id());
  if (partition == partitions_.end()) return;
  Partition& waiting = partition->second;
  const auto end_of_durable = waiting.upper_bound(outcome.marks.durable);
  // Taken out first: a waiter may add new ones.
  std::vector<std::pair<Entry, absl::Status>> told;
  for (auto entry = waiting.begin(); entry != end_of_durable; entry = waiting.erase(entry)) {
    told.emplace_back(std::move(entry->second), absl::OkStatus());
  }
  if (!outcome.status.ok()) {
    const absl::Status status = Outcome(outcome.status);
    for (auto& [offset, entry] : waiting) told.emplace_back(std::move(entry), status);
    waiting.clear();
  }
  if (waiting.empty()) partitions_.erase(partition);
  Shrink(told.size());
  for (const auto& [entry, status] : told) entry.waiter->OnAck(entry.index, status);
}

void AckWaiters::FailAll(const absl::Status& status) {
  std::map<uint64_t, Partition> all;
  all.swap(partitions_);
  Shrink(size_);
  const absl::Status outcome = Outcome(status);
  for (const auto& [id, partition] : all) {
    for (const auto& [offset, entry] : partition) entry.waiter->OnAck(entry.index, outcome);
  }
}

void AckWaiters::Clear() {
  std::map<uint64_t, Partition> dropped;
  dropped.swap(partitions_);
  Shrink(size_);
}

void AckWaiters::Shrink(size_t by) {
  size_ -= by;
  metrics_.ack_waiters.Sub(static_cast<int64_t>(by));
}

}  // namespace leat
