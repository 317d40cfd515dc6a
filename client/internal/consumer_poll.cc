// The part of ConsumerCore that hands out records.

#include <algorithm>
#include <utility>

#include "client/consumer.h"
#include "client/internal/consumer_core.h"
#include "client/internal/consumer_fetcher.h"
#include "client/internal/read_error_maker.h"
#include "protocol/record/error.h"

namespace leat {

void ConsumerCore::AddChunk(ConsumerPartition& partition, std::shared_ptr<const FetchedChunk> chunk) {
  partition.buffered_bytes += chunk->bytes.size();
  buffered_bytes_ += chunk->bytes.size();
  partition.chunks.emplace_back(std::move(chunk));
  readable_.emplace_back(partition.id, partition.generation);
}

void ConsumerCore::Halt(ConsumerPartition& partition, const absl::Status& error, Tokens& dropped) {
  partition.phase = ConsumerPartition::Phase::kHalted;
  partition.error = error;
  failed_.emplace_back(partition.id, partition.generation);
  if (partition.token == nullptr) return;
  partition.token->error = error;
  dropped.push_back(std::move(partition.token));
}

bool ConsumerCore::HasSomething() const {
  for (const auto& [id, generation] : readable_) {
    const ConsumerPartition* partition = Find(id, generation);
    if (partition != nullptr && !partition->reading) return true;
  }
  for (const auto& [id, generation] : failed_) {
    const ConsumerPartition* partition = Find(id, generation);
    if (partition != nullptr && partition->chunks.empty() && !partition->reading) return true;
  }
  return false;
}

// The oldest chunk of a partition that no other poll is reading.
std::optional<ConsumerCore::Work> ConsumerCore::TakeWork() {
  for (auto it = readable_.begin(); it != readable_.end();) {
    ConsumerPartition* partition = Find(it->first, it->second);
    if (partition != nullptr && partition->reading) {
      ++it;
      continue;
    }
    it = readable_.erase(it);
    if (partition == nullptr) continue;
    Work work{partition->id, partition->generation, partition->position,
              std::move(partition->chunks.front())};
    partition->chunks.pop_front();
    partition->reading = true;
    return work;
  }
  return std::nullopt;
}

// An error comes after the records that were fetched before it.
absl::Status ConsumerCore::TakeError() {
  for (auto it = failed_.begin(); it != failed_.end();) {
    ConsumerPartition* partition = Find(it->first, it->second);
    if (partition != nullptr && (!partition->chunks.empty() || partition->reading)) {
      ++it;
      continue;
    }
    it = failed_.erase(it);
    if (partition == nullptr) continue;
    absl::Status error = std::exchange(partition->error, absl::OkStatus());
    SetPartition(partition->id, &error);
    return error;
  }
  return absl::OkStatus();
}

bool ConsumerCore::PutBack(Work work, const absl::Status& status, Tokens& dropped) {
  ConsumerPartition* partition = Find(work.id, work.generation);
  if (partition == nullptr) return false;
  partition->reading = false;
  partition->position = work.position;
  if (!status.ok()) {
    // Neither the rest of the chunk nor what follows it can be trusted to join up.
    buffered_bytes_ -= partition->Reset(next_generation_++);
    Halt(*partition, status, dropped);
  } else if (work.reader.done()) {
    partition->buffered_bytes -= work.reader.bytes();
    buffered_bytes_ -= work.reader.bytes();
  } else {
    partition->chunks.push_front(std::move(work.reader));
    readable_.emplace_front(work.id, work.generation);
  }
  return true;
}

ConsumerCore::Polled ConsumerCore::Collect() {
  ConsumedRecords records;
  ReadBudget budget;
  bool fetch_more = false;
  while (records.size() < options_.poll_records_max) {
    budget.records = options_.poll_records_max - records.size();
    // The first batch is opened whatever it gives.
    if (records.empty()) budget.decompressed_bytes = options_.decompressed_bytes_max;
    if (budget.decompressed_bytes == 0) break;
    std::optional<Work> work;
    {
      MutexLock lock(mutex_);
      if (!closed_.ok()) return closed_;
      if (records.empty()) {
        if (absl::Status error = TakeError(); !error.ok()) return error;
      }
      work = TakeWork();
    }
    if (!work.has_value()) break;
    const size_t before = records.size();
    const TopicPartition id = work->id;
    const absl::Status status =
        work->reader.Read(&work->position, budget, {options_.decompressed_bytes_max}, &records);
    Tokens dropped;
    bool kept = false;
    {
      MutexLock lock(mutex_);
      kept = PutBack(*std::move(work), status, dropped);
      const ConsumerPartition* partition = Find(id);
      fetch_more = fetch_more || starved_ || (partition != nullptr && !partition->asked);
    }
    if (!kept) records.erase(records.begin() + static_cast<std::ptrdiff_t>(before), records.end());
    arrived_.NotifyAll();  // another poll may read the partition now
  }
  if (fetch_more) PostTurn();
  return records;
}

absl::StatusOr<ConsumedRecords> ConsumerCore::TryPoll() { return Collect(); }

absl::StatusOr<ConsumedRecords> ConsumerCore::Poll(absl::Duration timeout, const std::atomic<bool>* stop) {
  if (client_->OnIoThread() && timeout > absl::ZeroDuration()) {
    return MakeError(ErrorCode::kInvalidRequest, "Poll cannot wait on the io thread; use PollAsync");
  }
  const MonotonicTime deadline = After(MonotonicNow(), timeout);
  while (true) {
    Polled polled = Collect();
    if (!polled.ok() || !polled->empty()) return polled;
    MutexLock lock(mutex_);
    while (!HasSomething() && closed_.ok()) {
      const auto left = deadline - MonotonicNow();
      if (left <= MonotonicTime::duration::zero() || (stop != nullptr && *stop)) return polled;
      arrived_.WaitFor(mutex_, std::min<MonotonicTime::duration>(left, std::chrono::hours(1)));
    }
  }
}

Future<ConsumerCore::Polled> ConsumerCore::PollAsync(absl::Duration timeout) {
  while (true) {
    Polled polled = Collect();
    if (!polled.ok() || !polled->empty()) return Future<Polled>::Of(std::move(polled));
    MutexLock lock(mutex_);
    if (waiter_.has_value()) {
      return Future<Polled>::Of(MakeError(ErrorCode::kInvalidRequest, "another PollAsync is waiting"));
    }
    if (HasSomething() || !closed_.ok()) continue;
    waiter_.emplace();
    waiter_->number = next_waiter_++;
    Future<Polled> future = waiter_->promise.GetFuture();
    const MonotonicTime deadline = After(MonotonicNow(), timeout);
    client_->Post([self = shared_from_this(), deadline, number = waiter_->number] {
      TimerQueue& timers = self->client_->timers();
      timers.Cancel(self->waiter_timer_);
      self->waiter_timer_ = timers.Add(deadline, [self, number] { self->ExpireWaiter(number); });
    });
    return future;
  }
}

void ConsumerCore::ExpireWaiter(uint64_t number) {
  std::optional<PollWaiter> waiter;
  {
    MutexLock lock(mutex_);
    if (waiter_.has_value() && waiter_->number == number) waiter = std::exchange(waiter_, std::nullopt);
  }
  if (waiter.has_value()) waiter->promise.Set(ConsumedRecords());
}

void ConsumerCore::ServeWaiter() {
  std::optional<PollWaiter> waiter;
  {
    MutexLock lock(mutex_);
    if (!waiter_.has_value() || !HasSomething()) return;
    waiter = std::exchange(waiter_, std::nullopt);
  }
  while (true) {
    Polled polled = Collect();
    if (!polled.ok() || !polled->empty()) return waiter->promise.Set(std::move(polled));
    // What was there has gone, to a poll on another thread or by a seek; its time goes on.
    MutexLock lock(mutex_);
    if (HasSomething() || !closed_.ok()) continue;
    if (!waiter_.has_value()) waiter_ = std::move(waiter);
    return;
  }
}

void ConsumerCore::Rewind(absl::Span<const ConsumedRecord> unseen) {
  std::map<TopicPartition, std::pair<Offset, Offset>> ranges;  // first, last
  for (const ConsumedRecord& record : unseen) {
    const auto [it, first] =
        ranges.try_emplace({record.topic(), record.partition()}, record.offset(), record.offset());
    it->second.second = record.offset();
  }
  Tokens dropped;
  {
    MutexLock lock(mutex_);
    for (const auto& [id, range] : ranges) {
      ConsumerPartition* partition = Find(id);
      // Unless it was sought meanwhile.
      if (partition == nullptr || partition->position <= range.second) continue;
      Aim(*partition, ReadFrom::At(range.first), nullptr, dropped);
    }
  }
  PostTurn();
}

void ConsumerCore::Wake() {
  MutexLock lock(mutex_);
  arrived_.NotifyAll();
}

}  // namespace leat
