// The part of ProducerCore that runs on the io thread: what the broker says about topics and batches.

#include <algorithm>
#include <utility>

#include "client/internal/caller.h"
#include "client/internal/produce_sender.h"
#include "client/internal/producer_core.h"
#include "client/internal/record_refs.h"
#include "client/retry_policy.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {

void ProducerCore::Ask(const std::string& topic) {
  MonotonicTime deadline = After(MonotonicNow(), options_.delivery_timeout);
  {
    MutexLock lock(mutex_);
    const auto held = held_.find(&router_.Find(topic));
    if (held != held_.end()) deadline = held->second.front().deadline;
  }
  wire::RequestHeader request;
  request.mutable_metadata()->add_topics(topic);
  request.mutable_metadata()->set_create_missing(true);
  CallWithRetry(client_, std::move(request), deadline, [self = shared_from_this(), topic](CallReply reply) {
    if (!reply.header.ok()) return self->OnPartitionCount(topic, reply.header.status());
    const wire::MetadataResponse& metadata = (*reply.header)->metadata();
    if (metadata.topics_size() != 1) {
      return self->OnPartitionCount(topic,
                                    MakeError(ErrorCode::kUnknown, "the reply does not fit the request"));
    }
    if (absl::Status error = FromWire(metadata.topics(0).error()); !error.ok()) {
      return self->OnPartitionCount(topic, error);
    }
    const uint32_t count = metadata.topics(0).partition_count();
    if (count == 0 || count > 1'000'000) {
      return self->OnPartitionCount(topic,
                                    MakeError(ErrorCode::kUnknown, "an impossible number of partitions"));
    }
    self->OnPartitionCount(topic, static_cast<int32_t>(count));
  });
}

void ProducerCore::OnPartitionCount(const std::string& topic_name, const absl::StatusOr<int32_t>& count) {
  Failures failures;
  bool ask_again = false;
  int failures_in_a_row = 0;
  {
    MutexLock lock(mutex_);
    RoutedTopic& topic = router_.Find(topic_name);
    if (count.ok()) router_.SetPartitionCount(topic, *count, MonotonicNow());
    const auto held = held_.extract(&topic);
    if (!held.empty()) {
      std::deque<HeldRecord> left = PlaceHeld(topic, std::move(held.mapped()), count, failures);
      if (!left.empty()) held_[&topic] = std::move(left);
    }
    ask_again = held_.contains(&topic);
    topic.asking = ask_again;
    topic.failures = ask_again ? topic.failures + 1 : 0;
    failures_in_a_row = topic.failures;
    if (!failures.empty() && blocked_ > 0) space_.NotifyAll();
  }
  for (auto& [done, error] : failures) std::move(done)(error);
  if (ask_again) {
    // Should the client be closed meanwhile, it fails what is held.
    const absl::Duration delay = BackOff(client_->options().retry, failures_in_a_row, client_->random());
    client_->timers().Add(After(MonotonicNow(), delay),
                          [self = shared_from_this(), topic_name] { self->Ask(topic_name); });
  }
  PostTurn();
}

std::deque<ProducerCore::HeldRecord> ProducerCore::PlaceHeld(RoutedTopic& topic,
                                                             std::deque<HeldRecord> records,
                                                             const absl::StatusOr<int32_t>& count,
                                                             Failures& failures) {
  std::deque<HeldRecord> left;
  bool flush = blocked_ > 0;
  const MonotonicTime now = MonotonicNow();
  // On another thread than the io thread it is told that the client was closed.
  const bool may_pass = !count.ok() && IsRetriable(count.status()) && client_->OnIoThread();
  for (HeldRecord& held : records) {
    if (may_pass && held.deadline > now) {
      left.push_back(std::move(held));
      continue;
    }
    const RecordReference reference(held.record);
    const RecordRef& record = *reference;
    const size_t encoded_bytes = BatchBuilder::EncodedBytesMax(record.key, record.value, record.headers);
    PartitionQueue* queue = nullptr;
    if (count.ok()) queue = router_.Route(topic, record, encoded_bytes, accumulator_);
    if (queue == nullptr) {
      failures.emplace_back(std::move(held.done),
                            count.ok() ? NoSuchPartition(topic, *record.partition) : count.status());
      buffered_bytes_ -= held.charged;
      ++stats_.records_failed;
      continue;
    }
    // Its time counts from the call to Send.
    const MonotonicTime sent_at = held.deadline - absl::ToChronoNanoseconds(options_.delivery_timeout);
    const Accumulator::Place place =
        accumulator_.Append(*queue, {record, held.timestamp_ms, encoded_bytes, held.charged}, sent_at);
    place.batch->AddCallback(place.index, std::move(held.done));
    flush = flush || held.flush;
  }
  if (flush) accumulator_.EndLinger();
  return left;
}

void ProducerCore::MarkStale(const std::string& topic) {
  MutexLock lock(mutex_);
  router_.Find(topic).known_since = MonotonicTime{};
}

std::vector<std::shared_ptr<SendBatch>> ProducerCore::BeginTurn(MonotonicTime now) {
  MutexLock lock(mutex_);
  turn_posted_ = false;
  accumulator_.Advance(now);
  std::vector<std::shared_ptr<SendBatch>> expired = accumulator_.TakeExpired(now);
  for (const std::shared_ptr<SendBatch>& batch : expired) {
    stats_.records_failed += static_cast<uint64_t>(batch->record_count());
    Release(batch->charged_bytes());
  }
  return expired;
}

ProducerCore::Departures ProducerCore::TakeDepartures(size_t bytes, size_t count) {
  MutexLock lock(mutex_);
  Departures departures = accumulator_.Take(bytes, count);
  stats_.batches_sent += departures.size();
  return departures;
}

bool ProducerCore::HasDepartures() const {
  MutexLock lock(mutex_);
  return accumulator_.has_ready();
}

MonotonicTime ProducerCore::NextEvent() const {
  MutexLock lock(mutex_);
  return accumulator_.NextEvent();
}

bool ProducerCore::SettleDone(PartitionQueue& queue, const SendBatch& batch, bool acked) {
  MutexLock lock(mutex_);
  if (batch.settled) return false;
  accumulator_.Done(queue);
  Release(batch.charged_bytes());
  (acked ? stats_.records_acked : stats_.records_failed) += static_cast<uint64_t>(batch.record_count());
  return true;
}

bool ProducerCore::SettleRetry(PartitionQueue& queue, const SendBatch& batch, MonotonicTime when) {
  MutexLock lock(mutex_);
  if (batch.settled) return false;
  accumulator_.Retry(queue, when);
  ++stats_.batches_retried;
  return true;
}

bool ProducerCore::SettleSplit(PartitionQueue& queue, SendBatch& batch, bool too_large) {
  if (batch.record_count() < 2) return false;
  const std::vector<std::shared_ptr<SendBatch>> parts = batch.Split();
  if (parts.empty()) return false;
  MutexLock lock(mutex_);
  if (too_large) queue.batch_bytes_max = std::min(queue.batch_bytes_max, batch.uncompressed_bytes() / 2);
  accumulator_.Replace(queue, parts);
  return true;
}

void ProducerCore::FailAll(const absl::Status& reason) {
  std::vector<std::shared_ptr<SendBatch>> batches;
  std::vector<HeldRecord> records;
  {
    MutexLock lock(mutex_);
    if (closed_.ok()) closed_ = reason;
    batches = accumulator_.Clear();
    for (auto& [topic, held] : std::exchange(held_, {})) {
      std::move(held.begin(), held.end(), std::back_inserter(records));
    }
    stats_.records_failed += records.size();
    for (const auto& batch : batches) stats_.records_failed += static_cast<uint64_t>(batch->record_count());
    buffered_bytes_ = 0;
    space_.NotifyAll();
  }
  for (const std::shared_ptr<SendBatch>& batch : batches) batch->Fail(reason);
  for (HeldRecord& held : records) std::move(held.done)(reason);
}

void ProducerCore::OnClientClosed() {
  sender_->Stop();
  FailAll(ClientClosedError());
}

}  // namespace leat
