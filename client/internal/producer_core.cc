#include "client/internal/producer_core.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "client/internal/caller.h"
#include "client/internal/produce_sender.h"
#include "client/internal/record_refs.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

using Delivery = Producer::Delivery;

// What a record holds besides its bytes: its timestamp, and its callback.
constexpr size_t kRecordOverhead = 16;
constexpr size_t kCallbackOverhead = 64;
// A topic's partition count may have grown after this.
constexpr absl::Duration kTopicAgeMax = absl::Minutes(1);
// An answer this young is not asked for again on account of a partition that it does not have.
constexpr absl::Duration kTopicAgeFresh = absl::Seconds(1);
constexpr size_t kTopicNameBytesMax = 249;

}  // namespace

absl::Status NoSuchPartition(const RoutedTopic& topic, int32_t partition) {
  return MakeError(ErrorCode::kUnknownPartition,
                   absl::StrCat("topic ", *topic.name, " has no partition ", partition, ", only 0 to ",
                                topic.partition_count - 1));
}

ProducerCore::ProducerCore(std::shared_ptr<ClientCore> client, const ProducerOptions& options)
    : client_(std::move(client)),
      options_(options),
      producer_id_(static_cast<int64_t>(client_->NewSeed() >> 1)),
      sender_(std::make_unique<ProduceSender>(*client_, *this)),
      accumulator_({options.batch_bytes, options.codec, options.linger, options.delivery_timeout}),
      router_(client_->NewSeed()) {}

ProducerCore::~ProducerCore() = default;

absl::Status ProducerCore::Open() {
  const bool open = client_->Post(
      [self = shared_from_this()] { self->client_->AddMember(std::weak_ptr<ClientCore::Member>(self)); });
  return open ? absl::OkStatus() : ClientClosedError();
}

Future<Delivery> ProducerCore::Send(const RecordRef& record) {
  std::optional<Future<Delivery>> future;
  const Accepted accepted = Accept(record, nullptr, &future);
  if (!accepted.error.ok()) return Future<Delivery>::Of(accepted.error);
  AfterAccept(record, accepted);
  if (accepted.batch == nullptr) return *std::move(future);
  return Future<Delivery>(accepted.batch, accepted.index);
}

void ProducerCore::Send(const RecordRef& record, Producer::DeliveryCallback done) {
  const Accepted accepted = Accept(record, &done, nullptr);
  if (!accepted.error.ok()) return std::move(done)(accepted.error);
  AfterAccept(record, accepted);
}

void ProducerCore::AfterAccept(const RecordRef& record, const Accepted& accepted) {
  if (accepted.ask) Ask(std::string(record.topic));
  if (accepted.post_turn) client_->Post([self = shared_from_this()] { self->sender_->Turn(); });
}

ProducerCore::Accepted ProducerCore::Accept(const RecordRef& record, Producer::DeliveryCallback* done,
                                            std::optional<Future<Delivery>>* future) {
  Accepted accepted;
  if (record.topic.empty() || record.topic.size() > kTopicNameBytesMax) {
    accepted.error = MakeError(ErrorCode::kInvalidTopicName, "a topic's name has 1 to 249 characters");
    return accepted;
  }
  const size_t encoded_bytes = BatchBuilder::EncodedBytesMax(record.key, record.value, record.headers);
  const size_t charged = encoded_bytes + kRecordOverhead + (done == nullptr ? 0 : kCallbackOverhead);
  const int64_t timestamp_ms = record.timestamp_ms.has_value() ? *record.timestamp_ms : UnixMillisNow();

  MutexLock lock(mutex_);
  accepted.error = Reserve(charged);
  if (!accepted.error.ok()) return accepted;
  RoutedTopic& topic = router_.Find(record.topic);
  PartitionQueue* queue = Route(topic, record, encoded_bytes, accepted);
  if (!accepted.error.ok()) {
    Release(charged);
    return accepted;
  }
  ++stats_.records_sent;
  if (queue == nullptr) {
    HeldRecord held{.timestamp_ms = timestamp_ms, .charged = charged};
    if (done != nullptr) {
      held.done = std::move(*done);
    } else {
      Promise<Delivery> promise;
      *future = promise.GetFuture();
      held.done = [promise = std::move(promise)](const Delivery& delivery) mutable { promise.Set(delivery); };
    }
    Hold(topic, record, std::move(held));
    return accepted;
  }
  const bool begins = accumulator_.BeginsBatch(*queue, encoded_bytes);
  Accumulator::Place place = accumulator_.Append(*queue, {record, timestamp_ms, encoded_bytes, charged},
                                                 begins ? MonotonicNow() : MonotonicTime{});
  if (done != nullptr) place.batch->AddCallback(place.index, std::move(*done));
  accepted.batch = std::move(place.batch);
  accepted.index = place.index;
  accepted.post_turn = place.wake && !std::exchange(turn_posted_, turn_posted_ || place.wake);
  return accepted;
}

absl::Status ProducerCore::Reserve(size_t charged) {
  if (!closed_.ok()) return closed_;
  if (charged > options_.buffer_bytes_max) {
    return MakeError(
        ErrorCode::kLimitExceeded,
        absl::StrCat("a record of ", charged, " bytes does not fit into the producer's buffer of ",
                     options_.buffer_bytes_max, " bytes (buffer_bytes_max)"));
  }
  if (buffered_bytes_ + charged > options_.buffer_bytes_max) {
    const bool may_wait = options_.when_full == WhenFull::kBlock && !client_->OnIoThread();
    const MonotonicTime deadline = After(MonotonicNow(), options_.max_block);
    // Nothing gets room by waiting for more records.
    if (accumulator_.EndLinger() && !std::exchange(turn_posted_, true)) {
      client_->Post([self = shared_from_this()] { self->sender_->Turn(); });
    }
    while (buffered_bytes_ + charged > options_.buffer_bytes_max) {
      const auto left = deadline - MonotonicNow();
      if (!may_wait || left <= MonotonicTime::duration::zero()) {
        return MakeError(ErrorCode::kLimitExceeded,
                         absl::StrCat("the producer's buffer of ", options_.buffer_bytes_max,
                                      " bytes is full (buffer_bytes_max); wait for earlier records"));
      }
      ++blocked_;
      space_.WaitFor(mutex_, std::min<MonotonicTime::duration>(left, std::chrono::hours(1)));
      --blocked_;
      if (!closed_.ok()) return closed_;
    }
  }
  buffered_bytes_ += charged;
  return absl::OkStatus();
}

void ProducerCore::Release(size_t charged) {
  buffered_bytes_ -= charged;
  if (blocked_ > 0) space_.NotifyAll();
}

// The queue of the record; none with an error, or when the record has to be held until the broker was asked.
PartitionQueue* ProducerCore::Route(RoutedTopic& topic, const RecordRef& record, size_t encoded_bytes,
                                    Accepted& accepted) {
  PartitionQueue* queue = router_.Route(topic, record, encoded_bytes, accumulator_);
  if (queue != nullptr && !accumulator_.BeginsBatch(*queue, encoded_bytes)) return queue;
  const auto age = MonotonicNow() - topic.known_since;
  if (queue == nullptr) {
    if (topic.partition_count > 0 && !topic.asking &&
        (*record.partition < 0 || age < absl::ToChronoNanoseconds(kTopicAgeFresh))) {
      accepted.error = NoSuchPartition(topic, *record.partition);
      return nullptr;
    }
  } else if (age < absl::ToChronoNanoseconds(kTopicAgeMax)) {
    return queue;
  }
  accepted.ask = !std::exchange(topic.asking, true);
  return queue;
}

void ProducerCore::Hold(RoutedTopic& topic, const RecordRef& record, HeldRecord held) {
  held.record = OwnRecord(record);
  held.deadline = After(MonotonicNow(), options_.delivery_timeout);
  held_[&topic].push_back(std::move(held));
}

void ProducerCore::PostTurn() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(turn_posted_, true)) return;
  }
  client_->Post([self = shared_from_this()] { self->sender_->Turn(); });
}

Future<absl::Status> ProducerCore::FlushAsync() {
  // The last one that lets go of the token, when its record is done, completes the future.
  struct Token {
    Promise<absl::Status> promise;
    ~Token() { promise.Set(absl::OkStatus()); }
  };
  auto token = std::make_shared<Token>();
  Future<absl::Status> future = token->promise.GetFuture();
  std::vector<std::shared_ptr<SendBatch>> live;
  {
    MutexLock lock(mutex_);
    accumulator_.EndLinger();
    live = accumulator_.Live();
    for (auto& [topic, records] : held_) {
      for (HeldRecord& held : records) {
        held.flush = true;
        held.done = [token, done = std::move(held.done)](const Delivery& delivery) mutable {
          std::move(done)(delivery);
        };
      }
    }
  }
  for (const std::shared_ptr<SendBatch>& batch : live) batch->OnReady([token] {});
  // What was settled a moment ago is told by a task of the io thread that may still be running.
  client_->Post([self = shared_from_this(), token] { self->sender_->Turn(); });
  return future;
}

absl::Status ProducerCore::Close(absl::Duration timeout) {
  {
    MutexLock lock(mutex_);
    if (!closed_.ok()) return absl::OkStatus();
    closed_ = MakeError(ErrorCode::kShuttingDown, "the producer was closed");
    space_.NotifyAll();
  }
  if (client_->OnIoThread()) {
    FlushAsync().Then([self = shared_from_this()](const absl::Status&) { self->End(); });
    client_->timers().Add(After(MonotonicNow(), timeout), [self = shared_from_this()] { self->End(); });
    return MakeError(ErrorCode::kInvalidRequest, "Close cannot wait on the io thread; it goes on by itself");
  }
  const bool flushed = FlushAsync().Wait(timeout);
  Promise<absl::Status> promise;
  Future<absl::Status> ended = promise.GetFuture();
  client_->Post([self = shared_from_this(), promise = std::move(promise)]() mutable {
    self->End();
    promise.Set(absl::OkStatus());
  });
  static_cast<void>(ended.Wait(absl::InfiniteDuration()));
  return flushed
             ? absl::OkStatus()
             : MakeError(ErrorCode::kTimedOut, "some records were not acknowledged when the producer closed");
}

void ProducerCore::End() {
  sender_->Stop();
  FailAll(MakeError(ErrorCode::kShuttingDown, "the producer was closed"));
}

ProducerStats ProducerCore::stats() const {
  MutexLock lock(mutex_);
  ProducerStats stats = stats_;
  stats.buffered_bytes = buffered_bytes_;
  return stats;
}

}  // namespace leat
