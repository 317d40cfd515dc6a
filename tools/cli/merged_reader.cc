#include "tools/cli/merged_reader.h"

#include <algorithm>

namespace leat {
namespace {

constexpr size_t kAllQueuesBytes = 64 * 1024 * 1024;
constexpr size_t kQueueBytesMin = 256 * 1024;
constexpr size_t kRecordOverheadBytes = 100;
constexpr absl::Duration kPollTimeout = absl::Milliseconds(100);

size_t BytesOf(const ConsumedRecord& record) {
  return kRecordOverheadBytes + record.key().value_or("").size() + record.value().value_or("").size();
}

}  // namespace

MergedReader::MergedReader(SpanReader* reader, const TopicSpan& span) : reader_(reader) {
  for (const PartitionSpan& part : span.partitions) {
    if (!reader_->done(part.partition)) waiting_.insert(part.partition);
  }
  queue_bytes_max_ = std::max(kQueueBytesMin, kAllQueuesBytes / std::max<size_t>(1, waiting_.size()));
}

absl::StatusOr<std::optional<ConsumedRecord>> MergedReader::Next(const std::function<bool()>& stop) {
  while (!waiting_.empty()) {
    if (stop()) return std::optional<ConsumedRecord>();
    absl::Status status = Fill();
    if (!status.ok()) return status;
  }
  if (heads_.empty()) return std::optional<ConsumedRecord>();
  ConsumedRecord record = Pop();
  Queue& queue = queues_[record.partition()];
  absl::Status status = Relieve(record.partition(), &queue);
  if (!status.ok()) return status;
  return std::optional<ConsumedRecord>(std::move(record));
}

absl::Status MergedReader::Fill() {
  absl::StatusOr<ConsumedRecords> records = reader_->Poll(kPollTimeout);
  if (!records.ok()) return records.status();
  for (ConsumedRecord& record : *records) {
    const int32_t partition = record.partition();
    Queue& queue = queues_[partition];
    if (queue.records.empty()) heads_.emplace(record.timestamp_ms(), partition);
    waiting_.erase(partition);
    queue.bytes += BytesOf(record);
    queue.records.push_back(std::move(record));
    if (queue.bytes <= queue_bytes_max_ || queue.paused) continue;
    queue.paused = true;
    absl::Status status = reader_->Pause(partition);
    if (!status.ok()) return status;
  }
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    it = reader_->done(*it) ? waiting_.erase(it) : std::next(it);
  }
  return absl::OkStatus();
}

ConsumedRecord MergedReader::Pop() {
  const int32_t partition = heads_.top().second;
  heads_.pop();
  Queue& queue = queues_[partition];
  ConsumedRecord record = std::move(queue.records.front());
  queue.records.pop_front();
  queue.bytes -= BytesOf(record);
  if (!queue.records.empty()) {
    heads_.emplace(queue.records.front().timestamp_ms(), partition);
  } else if (!reader_->done(partition)) {
    waiting_.insert(partition);
  }
  return record;
}

absl::Status MergedReader::Relieve(int32_t partition, Queue* queue) {
  if (!queue->paused || queue->bytes > queue_bytes_max_ / 2) return absl::OkStatus();
  queue->paused = false;
  return reader_->Resume(partition);
}

}  // namespace leat
