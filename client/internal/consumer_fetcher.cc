#include "client/internal/consumer_fetcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/read_error_maker.h"
#include "client/retry_policy.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

using Phase = ConsumerPartition::Phase;

constexpr size_t kPartitionsPerRequest = 1024;
// A fetch for less than this is not worth a request while something else is buffered.
constexpr size_t kFetchBytesMin = 64 * 1024;

// Between two fetches of which the first brought nothing.
constexpr absl::Duration kEmptyFetchInterval = absl::Milliseconds(10);

absl::Status Name(const TopicPartition& id, const absl::Status& error) {
  return MakeError(CodeOf(error), absl::StrCat(id.topic, "-", id.partition, ": ", error.message()));
}

}  // namespace

void ConsumerFetcher::Turn() {
  if (stopped_) return;
  if (in_turn_) return consumer_.PostTurn();
  in_turn_ = true;
  {
    MutexLock lock(consumer_.mutex_);
    consumer_.turn_posted_ = false;
  }
  LookUp();
  const Link& link = client_.link();
  while (!stopped_ && (link.ready() || link.shut_down()) && MonotonicNow() >= not_before_ && SendFetch()) {
  }
  in_turn_ = false;
  if (stopped_) return;
  if (!link.ready() && !link.shut_down()) AwaitConnection();
  MonotonicTime next = MonotonicTime::max();
  const MonotonicTime now = MonotonicNow();
  if (not_before_ > now) next = not_before_;
  MutexLock lock(consumer_.mutex_);
  for (const auto& [id, partition] : consumer_.partitions_) {
    if (partition->not_before > now) next = std::min(next, partition->not_before);
  }
  SetTimer(next);
}

void ConsumerFetcher::Stop() {
  stopped_ = true;
  client_.timers().Cancel(timer_);
}

void ConsumerFetcher::SetTimer(MonotonicTime when) {
  if (timer_ != TimerQueue::kNone && timer_.first <= when) return;
  client_.timers().Cancel(timer_);
  timer_ = client_.timers().Add(when, [this, consumer = consumer_.shared_from_this()] {
    timer_ = TimerQueue::kNone;
    Turn();
  });
}

void ConsumerFetcher::AwaitConnection() {
  if (awaiting_) return;
  awaiting_ = true;
  client_.link().WhenReady([this, consumer = consumer_.shared_from_this()](const absl::Status&) {
    awaiting_ = false;
    Turn();
  });
}

void ConsumerFetcher::LookUp() {
  std::vector<Asked> asked;
  std::vector<OffsetQuestion> questions;
  {
    MutexLock lock(consumer_.mutex_);
    const MonotonicTime now = MonotonicNow();
    for (auto& [id, partition] : consumer_.partitions_) {
      if (partition->phase != Phase::kLookUp || partition->asked || partition->not_before > now) continue;
      partition->asked = true;
      asked.push_back({id, partition->generation, nullptr});
      const ReadFrom from = partition->from;
      const auto kind = from.kind == ReadFrom::Kind::kStart ? OffsetQuestion::Kind::kStart
                        : from.kind == ReadFrom::Kind::kEnd ? OffsetQuestion::Kind::kEnd
                                                            : OffsetQuestion::Kind::kTime;
      questions.push_back({id, kind, from.value});
    }
  }
  if (asked.empty()) return;
  AskOffsets(consumer_.client_, questions)
      .Then([this, consumer = consumer_.shared_from_this(), asked = std::move(asked)](
                const absl::StatusOr<OffsetReplies>& replies) { OnOffsets(asked, replies); });
}

void ConsumerFetcher::OnOffsets(const std::vector<Asked>& asked,
                                const absl::StatusOr<OffsetReplies>& replies) {
  Tokens dropped;
  {
    MutexLock lock(consumer_.mutex_);
    for (size_t i = 0; i < asked.size(); ++i) {
      OnOffset(asked[i], replies.ok() ? (*replies)[i] : absl::StatusOr<OffsetReply>(replies.status()),
               dropped);
    }
    consumer_.arrived_.NotifyAll();
  }
  dropped.clear();
  consumer_.ServeWaiter();
  Turn();
}

void ConsumerFetcher::OnOffset(const Asked& asked, const absl::StatusOr<OffsetReply>& reply,
                               Tokens& dropped) {
  ConsumerPartition* partition = consumer_.Find(asked.id, asked.generation);
  if (partition == nullptr) return;
  partition->asked = false;
  if (!reply.ok()) {
    // The request as a whole was repeated for as long as operation_timeout allows.
    consumer_.Halt(*partition, Name(asked.id, reply.status()), dropped);
    return;
  }
  partition->phase = Phase::kFetch;
  partition->position = partition->fetch_offset = reply->offset;
  if (partition->token != nullptr) dropped.push_back(std::move(partition->token));
}

// A quarter of the memory for one partition: several can be read ahead, and one alone still overlaps fetching
// with reading.
bool ConsumerFetcher::HasRoom(const ConsumerPartition& partition) const {
  const ConsumerOptions& options = consumer_.options_;
  return partition.buffered_bytes < std::max(2 * options.partition_bytes_max, options.prefetch_bytes_max / 4);
}

ConsumerFetcher::Fetch ConsumerFetcher::ChoosePartitions() {
  const ConsumerOptions& options = consumer_.options_;
  const wire::Limits& limits = client_.link().limits();
  size_t count = kPartitionsPerRequest;
  if (limits.partitions_per_request_max() != 0) {
    count = std::min<size_t>(count, limits.partitions_per_request_max());
  }
  Fetch fetch;
  MutexLock lock(consumer_.mutex_);
  consumer_.starved_ = false;
  const size_t used = consumer_.buffered_bytes_ + reserved_bytes_;
  const size_t free = options.prefetch_bytes_max - std::min(used, options.prefetch_bytes_max);
  const bool too_little = used > 0 && free < std::min(kFetchBytesMin, options.prefetch_bytes_max / 4);
  const MonotonicTime now = MonotonicNow();
  std::vector<ConsumerPartition*> chosen;
  for (auto& [id, partition] : consumer_.partitions_) {
    if (partition->phase != Phase::kFetch || partition->paused || partition->held || partition->asked ||
        partition->not_before > now || !HasRoom(*partition)) {
      continue;
    }
    if (too_little) {
      consumer_.starved_ = true;
      return fetch;
    }
    chosen.push_back(partition.get());
  }
  // The broker serves earlier entries first: those that got something last come last.
  std::stable_sort(chosen.begin(), chosen.end(), [](const ConsumerPartition* a, const ConsumerPartition* b) {
    return a->served < b->served;
  });
  if (chosen.size() > count) chosen.resize(count);
  for (ConsumerPartition* partition : chosen) {
    partition->asked = true;
    fetch.partitions.push_back({partition->id, partition->generation, partition->topic,
                                partition->fetch_offset, partition->fetch_at_boundary});
  }
  // Not all that is free: a partition that gets room while this fetch waits needs some for its own.
  fetch.bytes =
      std::max<size_t>(1, std::min(fetch.partitions.size() * options.partition_bytes_max, free / 2));
  for (const uint64_t limit : {uint64_t{options.fetch_bytes_max}, limits.fetch_bytes_max()}) {
    if (limit != 0) fetch.bytes = std::min<size_t>(fetch.bytes, limit);
  }
  return fetch;
}

wire::RequestHeader ConsumerFetcher::FetchHeader(const Fetch& fetch) const {
  const ConsumerOptions& options = consumer_.options_;
  uint64_t wait_ms = static_cast<uint64_t>(absl::ToInt64Milliseconds(options.fetch_max_wait));
  const uint64_t wait_ms_max = client_.link().limits().fetch_wait_ms_max();
  if (wait_ms_max != 0) wait_ms = std::min(wait_ms, wait_ms_max);
  wire::RequestHeader header;
  wire::FetchRequest* body = header.mutable_fetch();
  body->set_max_wait_ms(static_cast<uint32_t>(wait_ms));
  body->set_min_bytes(options.fetch_min_bytes);
  body->set_max_bytes(fetch.bytes);
  for (const Asked& asked : fetch.partitions) {
    wire::FetchPartition* entry = body->add_partitions();
    entry->set_topic(asked.id.topic);
    entry->set_partition(static_cast<uint32_t>(asked.id.partition));
    entry->set_offset(asked.offset);
    entry->set_max_bytes(options.partition_bytes_max);
  }
  return header;
}

// False when there was nothing to ask for.
bool ConsumerFetcher::SendFetch() {
  Fetch fetch = ChoosePartitions();
  if (fetch.partitions.empty()) return false;
  reserved_bytes_ += fetch.bytes;
  fetch.sent_at = MonotonicNow();
  LinkRequest request;
  request.header = FetchHeader(fetch);
  request.reply_timeout = client_.options().request_timeout + consumer_.options_.fetch_max_wait;
  client_.link().Call(std::move(request), [this, consumer = consumer_.shared_from_this(),
                                           fetch = std::move(fetch)](absl::StatusOr<LinkReply> reply) {
    reserved_bytes_ -= fetch.bytes;
    if (!stopped_) OnFetched(fetch, std::move(reply));
  });
  return true;
}

void ConsumerFetcher::OnFetched(const Fetch& fetch, absl::StatusOr<LinkReply> reply) {
  if (!reply.ok()) return OnFetchFailed(fetch, reply.status());
  const wire::FetchResponse& response = reply->header.fetch();
  uint64_t total = 0;
  for (const wire::FetchResult& result : response.results()) {
    total += std::min<uint64_t>(result.batches_bytes(), reply->payload.size() + 1);
  }
  if (static_cast<size_t>(response.results_size()) != fetch.partitions.size() ||
      total != reply->payload.size()) {
    return OnFetchFailed(fetch,
                         MakeError(ErrorCode::kUnknown, "the broker's reply does not fit the request"));
  }
  failures_ = 0;
  ++replies_;
  // With a wait of zero, or a broker that does not wait, nothing else would slow down asking in vain.
  if (total == 0) not_before_ = std::max(not_before_, After(fetch.sent_at, kEmptyFetchInterval));
  Tokens dropped;
  size_t at = 0;
  for (size_t i = 0; i < fetch.partitions.size(); ++i) {
    const wire::FetchResult& result = response.results(static_cast<int>(i));
    const auto size = static_cast<size_t>(result.batches_bytes());
    OnResult(fetch.partitions[i], result, reply->payload.substr(at, size), dropped);
    at += size;
  }
  dropped.clear();
  consumer_.Wake();
  consumer_.ServeWaiter();
  Turn();
}

void ConsumerFetcher::OnResult(const Asked& asked, const wire::FetchResult& result, absl::string_view bytes,
                               Tokens& dropped) {
  const absl::Status error = FromWire(result.error());
  std::shared_ptr<const FetchedChunk> chunk;
  ChunkExtent extent;
  if (error.ok()) {
    extent = MeasureChunk(bytes, {asked.id, asked.offset, asked.at_boundary, result.visible_offset()});
    if (extent.bytes > 0) {
      chunk = std::make_shared<const FetchedChunk>(
          FetchedChunk{asked.topic, asked.id.partition, std::string(bytes.substr(0, extent.bytes))});
    }
  }
  MutexLock lock(consumer_.mutex_);
  ConsumerPartition* partition = consumer_.Find(asked.id, asked.generation);
  if (partition == nullptr) return;
  partition->asked = false;
  if (!error.ok()) return OnPartitionError(asked, error, dropped);
  partition->failures = 0;
  partition->log_start_offset = result.log_start_offset();
  partition->visible_offset = result.visible_offset();
  if (chunk != nullptr) {
    partition->fetch_offset = extent.end;
    partition->fetch_at_boundary = true;
    partition->served = replies_;
    consumer_.AddChunk(*partition, std::move(chunk));
  }
  if (!extent.error.ok()) consumer_.Halt(*partition, extent.error, dropped);
}

void ConsumerFetcher::Delay(ConsumerPartition& partition) {
  ++partition.failures;
  partition.not_before =
      After(MonotonicNow(), BackOff(client_.options().retry, partition.failures, client_.random()));
}

void ConsumerFetcher::OnPartitionError(const Asked& asked, const absl::Status& error, Tokens& dropped) {
  ConsumerPartition& partition = *consumer_.Find(asked.id, asked.generation);
  if (IsRetriable(error)) return Delay(partition);
  const OutOfRange policy = consumer_.options_.out_of_range;
  if (CodeOf(error) != ErrorCode::kOffsetOutOfRange || policy == OutOfRange::kError) {
    const std::optional<Offset> resume = ResumeOffsetOf(error);
    const bool gap = resume.has_value() && *resume > asked.offset;
    return consumer_.Halt(
        partition,
        gap ? UnreadableError(CodeOf(error), asked.id, asked.offset, resume, error.message())
            : Name(asked.id, error),
        dropped);
  }
  // What was fetched before is still good: look again when it has been polled.
  if (partition.buffered_bytes > 0) return Delay(partition);
  consumer_.Aim(partition, policy == OutOfRange::kStart ? ReadFrom::Start() : ReadFrom::End(), nullptr,
                dropped);
}

void ConsumerFetcher::OnFetchFailed(const Fetch& fetch, const absl::Status& error) {
  Tokens dropped;
  {
    MutexLock lock(consumer_.mutex_);
    for (const Asked& asked : fetch.partitions) {
      ConsumerPartition* partition = consumer_.Find(asked.id, asked.generation);
      if (partition == nullptr) continue;
      partition->asked = false;
      if (!IsRetriable(error)) consumer_.Halt(*partition, Name(asked.id, error), dropped);
    }
    consumer_.arrived_.NotifyAll();
  }
  dropped.clear();
  ++failures_;
  not_before_ = After(MonotonicNow(), BackOff(client_.options().retry, failures_, client_.random()));
  consumer_.ServeWaiter();
  Turn();
}

}  // namespace leat
