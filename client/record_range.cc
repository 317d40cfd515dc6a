#include "client/record_range.h"

#include <utility>

#include "client/internal/consumer_core.h"
#include "protocol/record/error.h"

namespace leat {

RecordRange::RecordRange(ConsumerCore& consumer, bool until_end, absl::Duration timeout)
    : consumer_(consumer), until_end_(until_end), timeout_(timeout) {}

RecordRange::~RecordRange() {
  if (next_ + 1 < records_.size()) consumer_.Rewind(absl::MakeConstSpan(records_).subspan(next_ + 1));
  // What is no longer assigned needs no resuming.
  for (const TopicPartition& partition : held_) static_cast<void>(consumer_.SetPaused({partition}, false));
}

// Partitions that are past their end wait for the others there. Whoever reads on later finds these records
// again.
void RecordRange::Hold(const ConsumedRecords& beyond) {
  consumer_.Rewind(beyond);
  for (const ConsumedRecord& record : beyond) {
    TopicPartition partition{record.topic(), record.partition()};
    if (held_.contains(partition) || !consumer_.SetPaused({partition}, true).ok()) continue;
    held_.insert(std::move(partition));
  }
}

bool RecordRange::Fill() {
  if (next_ >= records_.size()) Refill();
  return next_ < records_.size();
}

bool RecordRange::BelowEnd(const ConsumedRecord& record) const {
  if (!ends_.has_value()) return true;
  const auto end = ends_->find({record.topic(), record.partition()});
  return end == ends_->end() || record.offset() < end->second;
}

bool RecordRange::AtEnds() const {
  for (const auto& [partition, end] : *ends_) {
    const absl::StatusOr<PartitionProgress> progress = consumer_.Progress(partition);
    // One that was taken away meanwhile holds nobody up.
    if (progress.ok() && progress->position < end) return false;
  }
  return true;
}

void RecordRange::Refill() {
  records_.clear();
  next_ = 0;
  if (until_end_ && !ends_.has_value() && !ended_) {
    absl::StatusOr<std::map<TopicPartition, Offset>> ends = consumer_.EndOffsets().Get();
    if (!ends.ok()) {
      status_ = ends.status();
      ended_ = true;
      return;
    }
    ends_ = *std::move(ends);
  }
  while (records_.empty() && !ended_) {
    ended_ = ends_.has_value() && AtEnds();
    if (ended_) return;
    absl::StatusOr<ConsumedRecords> polled = consumer_.Poll(timeout_, nullptr);
    if (polled.ok() && polled->empty()) {
      polled = MakeError(ErrorCode::kTimedOut, "no record came in the time allowed");
    }
    if (!polled.ok()) {
      status_ = polled.status();
      ended_ = true;
      return;
    }
    ConsumedRecords beyond;
    for (ConsumedRecord& record : *polled) {
      (BelowEnd(record) ? records_ : beyond).push_back(std::move(record));
    }
    if (!beyond.empty()) Hold(beyond);
  }
}

}  // namespace leat
