#include "client/internal/accumulator.h"

#include <algorithm>

namespace leat {

size_t Accumulator::BatchBytes(const PartitionQueue& queue) const {
  return std::min(options_.batch_bytes, queue.batch_bytes_max);
}

bool Accumulator::IsFull(const PartitionQueue& queue, const SendBatch& batch) const {
  return &batch != queue.batches.back().get() || batch.uncompressed_bytes() >= BatchBytes(queue);
}

bool Accumulator::BeginsBatch(const PartitionQueue& queue, size_t encoded_bytes) const {
  if (queue.batches.empty()) return true;
  // A batch that was sent once is closed, also while it waits to be sent again.
  if (queue.state == PartitionQueue::State::kInFlight && queue.batches.size() == 1) return true;
  const SendBatch& last = *queue.batches.back();
  return last.closed() || last.uncompressed_bytes() + encoded_bytes > BatchBytes(queue);
}

Accumulator::Place Accumulator::Append(PartitionQueue& queue, const Addition& addition, MonotonicTime now) {
  Place place;
  if (BeginsBatch(queue, addition.encoded_bytes)) {
    auto batch = std::make_shared<SendBatch>(queue.topic, queue.partition, options_.codec);
    batch->number = next_number_++;
    batch->retry.deadline = After(now, options_.delivery_timeout);
    batch->linger_until = After(now, options_.linger);
    place.wake = by_deadline_.empty();
    by_deadline_.emplace(KeyOf(*batch), Waiting{&queue, batch});
    queue.batches.push_back(std::move(batch));
    lingers_ = lingers_ || options_.linger > absl::ZeroDuration();
  }
  place.batch = queue.batches.back();
  place.index = place.batch->Add(addition.record, addition.timestamp_ms, addition.charged_bytes);
  const bool idle = queue.state == PartitionQueue::State::kIdle;
  if (!idle && !Lingers(queue)) return place;
  const SendBatch& front = *queue.batches.front();
  if (options_.linger <= absl::ZeroDuration() || IsFull(queue, front)) {
    Leave(queue);
    MakeReady(queue);
    place.wake = true;
  } else if (idle) {
    MakeWait(queue, front.linger_until);
    place.wake = true;
  }
  return place;
}

Accumulator::AgeKey Accumulator::KeyOf(const SendBatch& batch) {
  return {batch.retry.deadline, batch.number};
}

bool Accumulator::Lingers(const PartitionQueue& queue) {
  return queue.state == PartitionQueue::State::kWaiting && !queue.batches.front()->closed();
}

void Accumulator::MakeReady(PartitionQueue& queue) {
  queue.state = PartitionQueue::State::kReady;
  ready_.push_back(&queue);
}

void Accumulator::MakeWait(PartitionQueue& queue, MonotonicTime due) {
  queue.state = PartitionQueue::State::kWaiting;
  queue.due = due;
  waiting_.emplace(due, &queue);
}

// Out of the list that its state has it in.
void Accumulator::Leave(PartitionQueue& queue) {
  if (queue.state == PartitionQueue::State::kWaiting) waiting_.erase({queue.due, &queue});
  if (queue.state == PartitionQueue::State::kReady) std::erase(ready_, &queue);
  if (queue.state == PartitionQueue::State::kInFlight) in_flight_.erase(&queue);
  queue.state = PartitionQueue::State::kIdle;
}

// Into the list that fits its front batch.
void Accumulator::Settle(PartitionQueue& queue) {
  Leave(queue);
  if (queue.batches.empty()) return;
  const SendBatch& front = *queue.batches.front();
  if (IsFull(queue, front) || front.linger_until <= advanced_to_) return MakeReady(queue);
  MakeWait(queue, front.linger_until);
}

void Accumulator::Advance(MonotonicTime now) {
  advanced_to_ = std::max(advanced_to_, now);
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    PartitionQueue& queue = *waiting_.begin()->second;
    Leave(queue);
    MakeReady(queue);
  }
}

std::vector<std::pair<PartitionQueue*, std::shared_ptr<SendBatch>>> Accumulator::Take(size_t bytes,
                                                                                      size_t count) {
  std::vector<std::pair<PartitionQueue*, std::shared_ptr<SendBatch>>> taken;
  size_t total = 0;
  while (!ready_.empty() && taken.size() < count) {
    PartitionQueue& queue = *ready_.front();
    const std::shared_ptr<SendBatch>& front = queue.batches.front();
    const size_t size = front->sealed() ? front->encoded().size() : front->uncompressed_bytes();
    if (!taken.empty() && total + size > bytes) break;
    total += size;
    ready_.pop_front();
    queue.state = PartitionQueue::State::kInFlight;
    in_flight_.insert(&queue);
    by_deadline_.erase(KeyOf(*front));
    taken.emplace_back(&queue, front);
  }
  return taken;
}

void Accumulator::Done(PartitionQueue& queue) {
  queue.batches.front()->settled = true;
  queue.batches.pop_front();
  Settle(queue);
}

void Accumulator::Retry(PartitionQueue& queue, MonotonicTime when) {
  Leave(queue);
  by_deadline_.emplace(KeyOf(*queue.batches.front()), Waiting{&queue, queue.batches.front()});
  MakeWait(queue, when);
}

void Accumulator::Replace(PartitionQueue& queue, const std::vector<std::shared_ptr<SendBatch>>& parts) {
  const std::shared_ptr<SendBatch> whole = std::move(queue.batches.front());
  queue.batches.pop_front();
  whole->settled = true;
  for (const std::shared_ptr<SendBatch>& part : parts) {
    part->number = next_number_++;
    part->retry.deadline = whole->retry.deadline;
    by_deadline_.emplace(KeyOf(*part), Waiting{&queue, part});
  }
  queue.batches.insert(queue.batches.begin(), parts.begin(), parts.end());
  Settle(queue);
}

std::vector<std::shared_ptr<SendBatch>> Accumulator::TakeExpired(MonotonicTime now) {
  std::vector<std::shared_ptr<SendBatch>> expired;
  while (!by_deadline_.empty() && by_deadline_.begin()->first.first <= now) {
    PartitionQueue& queue = *by_deadline_.begin()->second.queue;
    std::shared_ptr<SendBatch> batch = std::move(by_deadline_.begin()->second.batch);
    by_deadline_.erase(by_deadline_.begin());
    queue.batches.erase(std::find(queue.batches.begin(), queue.batches.end(), batch));
    batch->settled = true;
    if (batch->sealed()) queue.NextEpoch();
    expired.push_back(std::move(batch));
    if (queue.state != PartitionQueue::State::kInFlight) Settle(queue);
  }
  return expired;
}

bool Accumulator::EndLinger() {
  if (!std::exchange(lingers_, false)) return false;
  for (const auto& [key, waiting] : by_deadline_) waiting.batch->linger_until = MonotonicTime{};
  for (const auto& [key, waiting] : by_deadline_) {
    if (Lingers(*waiting.queue)) Settle(*waiting.queue);
  }
  return true;
}

std::vector<std::shared_ptr<SendBatch>> Accumulator::Live() const {
  std::vector<std::shared_ptr<SendBatch>> live;
  for (PartitionQueue* queue : in_flight_) live.push_back(queue->batches.front());
  for (const auto& [key, waiting] : by_deadline_) live.push_back(waiting.batch);
  return live;
}

std::vector<std::shared_ptr<SendBatch>> Accumulator::Clear() {
  std::vector<std::shared_ptr<SendBatch>> all = Live();
  std::set<PartitionQueue*> queues = in_flight_;
  for (const auto& [key, waiting] : by_deadline_) queues.insert(waiting.queue);
  by_deadline_.clear();
  for (PartitionQueue* queue : queues) {
    Leave(*queue);
    queue->batches.clear();
  }
  for (const std::shared_ptr<SendBatch>& batch : all) batch->settled = true;
  return all;
}

MonotonicTime Accumulator::NextEvent() const {
  MonotonicTime next = MonotonicTime::max();
  if (!waiting_.empty()) next = waiting_.begin()->first;
  if (!by_deadline_.empty()) next = std::min(next, by_deadline_.begin()->first.first);
  return next;
}

}  // namespace leat
