#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "client/future.h"
#include "client/internal/monotonic.h"
#include "client/producer.h"
#include "client/record.h"
#include "client/retry_policy.h"
#include "protocol/record/batch_builder.h"

namespace leat {

// The records of one batch, encoded as they come and acknowledged together: the futures of all of them share
// this object, so that a record costs no allocation of its own. Belongs to the producer's lock while it is
// filled, to the io thread once it was taken to be sent, and is read by any thread after it is ready.
class SendBatch final : public FutureState<Producer::Delivery>,
                        public std::enable_shared_from_this<SendBatch> {
 public:
  SendBatch(std::shared_ptr<const std::string> topic, int32_t partition, Codec codec);

  // Gives the index of the record. `charged` bytes are given back when the batch is done.
  uint32_t Add(const RecordRef& record, int64_t timestamp_ms, size_t charged);
  void AddCallback(uint32_t index, Producer::DeliveryCallback done);

  int32_t record_count() const { return static_cast<int32_t>(timestamps_.size()); }
  size_t uncompressed_bytes() const { return sealed_ ? sealed_bytes_ : builder_.uncompressed_bytes(); }
  size_t charged_bytes() const { return charged_bytes_; }
  const std::string& topic() const { return *topic_; }
  int32_t partition() const { return partition_; }

  // Once, before the first attempt: compresses and makes the bytes that every attempt sends.
  absl::Status Seal(int64_t producer_id, int16_t epoch, int32_t base_sequence);
  bool sealed() const { return sealed_; }
  // Takes no more records.
  bool closed() const { return sealed_ || parent_ != nullptr; }
  int32_t base_sequence() const { return base_sequence_; }
  const std::string& encoded() const { return encoded_; }

  // Two batches of the halves of a sealed batch's records, not sealed; it is done itself when both are. None
  // for a batch that is done.
  std::vector<std::shared_ptr<SendBatch>> Split();

  // On the io thread, one of them, once, and not after Split. Runs the callbacks.
  void Succeed(Offset base_offset, Acks level, bool provisional);
  void Fail(absl::Status error);

  Producer::Delivery Take(uint32_t index) override;

  // Of the accumulator, under the producer's lock.
  RetryState retry;
  MonotonicTime linger_until{};
  uint64_t number = 0;
  bool settled = false;  // out of its queue for good

 private:
  void Finish();
  void AddCopy(const RecordView& record, size_t charged);

  const std::shared_ptr<const std::string> topic_;
  const int32_t partition_;
  const Codec codec_;
  BatchBuilder builder_;
  std::vector<int64_t> timestamps_;
  std::vector<std::pair<uint32_t, Producer::DeliveryCallback>> callbacks_;
  size_t charged_bytes_ = 0;
  bool sealed_ = false;
  size_t sealed_bytes_ = 0;
  int32_t base_sequence_ = 0;
  std::string encoded_;
  std::shared_ptr<SendBatch> parent_;              // of a half, until it is done
  std::vector<std::shared_ptr<SendBatch>> parts_;  // of a batch that was split
  size_t parts_left_ = 0;

  absl::Status error_;
  Offset base_offset_ = -1;
  Acks level_ = Acks::kNone;
  bool provisional_ = false;
};

}  // namespace leat
