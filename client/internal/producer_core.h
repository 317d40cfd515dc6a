#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/internal/accumulator.h"
#include "client/internal/client_core.h"
#include "client/internal/topic_router.h"
#include "client/producer.h"
#include "protocol/record/mutex.h"

namespace leat {

class ProduceSender;

absl::Status NoSuchPartition(const RoutedTopic& topic, int32_t partition);

// What a producer shares between the threads that send and the io thread: batches, topics, memory. The io
// side is produce_sender.h.
class ProducerCore final : public ClientCore::Member, public std::enable_shared_from_this<ProducerCore> {
 public:
  ProducerCore(std::shared_ptr<ClientCore> client, const ProducerOptions& options);
  ~ProducerCore() override;
  // Once, after construction. kShuttingDown when the client is closed.
  absl::Status Open();

  // Any thread; see producer.h. `done` may be empty.
  Future<Producer::Delivery> Send(const RecordRef& record);
  void Send(const RecordRef& record, Producer::DeliveryCallback done);
  Future<absl::Status> FlushAsync();
  absl::Status Close(absl::Duration timeout);
  int64_t producer_id() const { return producer_id_; }
  ProducerStats stats() const;
  const ProducerOptions& options() const { return options_; }

  void OnClientClosed() override;

  // For the sender, on the io thread.
  using Departures = std::vector<std::pair<PartitionQueue*, std::shared_ptr<SendBatch>>>;
  // Takes out what is past its deadline; the sender fails it.
  std::vector<std::shared_ptr<SendBatch>> BeginTurn(MonotonicTime now);
  Departures TakeDepartures(size_t bytes, size_t count);
  bool HasDepartures() const;
  MonotonicTime NextEvent() const;
  // A batch that was under way is done (it is then completed by the caller) or goes back. False when it was
  // settled meanwhile by Close.
  bool SettleDone(PartitionQueue& queue, const SendBatch& batch, bool acked);
  bool SettleRetry(PartitionQueue& queue, const SendBatch& batch, MonotonicTime when);
  // A batch that was refused for its size (`too_large`) or for one of its records goes on in two halves.
  // False when it cannot.
  bool SettleSplit(PartitionQueue& queue, SendBatch& batch, bool too_large);
  // The partitions of the topic are asked for again before its next record.
  void MarkStale(const std::string& topic);
  // Runs a turn of the sender soon. Any thread.
  void PostTurn();

 private:
  // A record of a topic whose partitions are not known yet.
  struct HeldRecord {
    Record record = {};
    int64_t timestamp_ms = 0;
    size_t charged = 0;
    MonotonicTime deadline = {};
    bool flush = false;  // somebody waits for it: it must not linger
    Producer::DeliveryCallback done = nullptr;
  };
  struct Accepted {
    absl::Status error;                // refused
    std::shared_ptr<SendBatch> batch;  // none: refused or held
    uint32_t index = 0;
    bool post_turn = false;
    bool ask = false;  // for the partitions of the topic
  };
  using Failures = std::vector<std::pair<Producer::DeliveryCallback, absl::Status>>;

  // `done` is used up unless a batch is given; may be null when a future will be made.
  Accepted Accept(const RecordRef& record, Producer::DeliveryCallback* done,
                  std::optional<Future<Producer::Delivery>>* future);
  absl::Status Reserve(size_t charged) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release(size_t charged) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PartitionQueue* Route(RoutedTopic& topic, const RecordRef& record, size_t encoded_bytes, Accepted& accepted)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Hold(RoutedTopic& topic, const RecordRef& record, HeldRecord held)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AfterAccept(const RecordRef& record, const Accepted& accepted);
  void Ask(const std::string& topic);
  void OnPartitionCount(const std::string& topic, const absl::StatusOr<int32_t>& count);
  // Places the held records of the topic, or moves them to `failures`; gives those that are to be held on.
  std::deque<HeldRecord> PlaceHeld(RoutedTopic& topic, std::deque<HeldRecord> records,
                                   const absl::StatusOr<int32_t>& count, Failures& failures)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailAll(const absl::Status& reason);
  // On the io thread: nothing more is sent.
  void End();

  const std::shared_ptr<ClientCore> client_;
  const ProducerOptions options_;
  const int64_t producer_id_;
  std::unique_ptr<ProduceSender> sender_;  // on the io thread

  mutable Mutex mutex_;
  CondVar space_;
  Accumulator accumulator_ ABSL_GUARDED_BY(mutex_);
  TopicRouter router_ ABSL_GUARDED_BY(mutex_);
  std::map<const RoutedTopic*, std::deque<HeldRecord>> held_ ABSL_GUARDED_BY(mutex_);
  size_t buffered_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int blocked_ ABSL_GUARDED_BY(mutex_) = 0;
  bool turn_posted_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status closed_ ABSL_GUARDED_BY(mutex_);
  ProducerStats stats_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leat
