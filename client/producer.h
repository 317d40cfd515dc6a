#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/future.h"
#include "client/record.h"
#include "protocol/record/batch.h"

namespace leat {

class ProducerCore;

enum class WhenFull : uint8_t { kBlock, kFail };

struct ProducerOptions {
  Acks acks = Acks::kDurable;
  Codec codec = Codec::kNone;
  // A batch is closed when it has this many bytes before compression; a record that is larger travels alone.
  // A batch that is too large for its topic is sent again in halves, and later ones are made smaller.
  size_t batch_bytes = 256 * 1024;
  // How long a batch that is not full waits for more records. With 0 it leaves as soon as its partition has
  // nothing under way and the connection is free: batches then grow by themselves with the load.
  absl::Duration linger = absl::ZeroDuration();
  // Records held, sent or not, until they are acknowledged.
  size_t buffer_bytes_max = 64 * 1024 * 1024;
  // What Send does when they are full: wait up to max_block, or fail at once; kLimitExceeded either way. On
  // the io thread, where nothing may wait, it always fails at once.
  WhenFull when_full = WhenFull::kBlock;
  absl::Duration max_block = absl::Seconds(60);
  // From Send to the report, over all attempts; then kTimedOut: the record may or may not be stored.
  absl::Duration delivery_timeout = absl::Minutes(2);
  // How long the broker waits for the ack level; 0: its default.
  absl::Duration ack_timeout = absl::ZeroDuration();
  // Produce requests under way on the connection at once, each with at most one batch per partition.
  int requests_in_flight_max = 8;
  // What the destructor gives Close.
  absl::Duration close_timeout = absl::Seconds(30);
};

// Counts since the producer was made.
struct ProducerStats {
  uint64_t records_sent = 0;  // taken by Send
  uint64_t records_acked = 0;
  uint64_t records_failed = 0;
  uint64_t batches_sent = 0;  // attempts, repeated ones included
  uint64_t batches_retried = 0;
  uint64_t buffered_bytes = 0;  // now
};

// Sends records. Records for one partition are stored in the order of the calls to Send: at most one batch
// per partition is under way, and one that failed for a passing reason (connection lost, daemon restarting,
// disk full) is repeated byte for byte before any later one, until delivery_timeout. Repeating can store a
// batch twice when only its reply was lost; every batch carries producer id, epoch and sequence, by which a
// broker can tell (this version's broker does not look at them yet).
//
// A batch that the broker refuses for its size or a timestamp is split until only records that are refused
// themselves fail.
//
// A record without partition goes by its key, to the partition that Kafka's Java client would choose; without
// a key, batch by batch to one partition after the other.
//
// Any thread. Errors of a record come with its future or callback: those of the broker (kUnknownTopic,
// kBatchTooLarge, ...), kTimedOut, kLimitExceeded, kUnknownPartition, kInvalidTopicName, kShuttingDown.
class Producer {
 public:
  using Delivery = absl::StatusOr<DeliveryReport>;
  // Runs on the io thread, or inside Send when the record was refused at once; must not block or throw.
  using DeliveryCallback = absl::AnyInvocable<void(const Delivery&) &&>;

  // kInvalidRequest for unusable options. Keeps what it needs of the client alive, but see ~Client.
  static absl::StatusOr<std::unique_ptr<Producer>> Create(Client& client, ProducerOptions options = {});

  ~Producer();  // Close(close_timeout)
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Copies the record into the batch of its partition. Blocks only while the buffer is full.
  Future<Delivery> Send(const Record& record);
  Future<Delivery> Send(const RecordRef& record);
  void Send(const Record& record, DeliveryCallback done);
  void Send(const RecordRef& record, DeliveryCallback done);

  // Sends what is waiting without lingering; completes when every record sent before the call was
  // acknowledged or has failed. OK also when some failed: their own futures say so.
  Future<absl::Status> FlushAsync();
  // The same, blocking; kTimedOut when `timeout` passed first. Not on the io thread.
  absl::Status Flush(absl::Duration timeout);

  // Refuses further records, flushes for up to `timeout`, and fails what is then left with kShuttingDown
  // (which makes the result kTimedOut). On the io thread it does not wait: flushing goes on by itself for up
  // to `timeout`, and the result is kInvalidRequest. A second call does nothing.
  absl::Status Close(absl::Duration timeout);

  // Travels in every batch, with the epoch of its partition: 0, and one more after each batch of which nobody
  // knows whether it was stored.
  int64_t producer_id() const;
  ProducerStats stats() const;

 private:
  explicit Producer(std::shared_ptr<ProducerCore> core, absl::Duration close_timeout);
  std::shared_ptr<ProducerCore> core_;
  const absl::Duration close_timeout_;
};

}  // namespace leat
