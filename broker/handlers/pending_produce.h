#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/ack_waiters.h"
#include "broker/deadlines.h"
#include "broker/responder.h"
#include "storage/log/partition_log.h"

namespace leat {

// A produce request whose batches are appended: holds the reply until each of them has reached its level or
// the time is up. On the lane's executor.
class PendingProduce final : public AckWaiter, public std::enable_shared_from_this<PendingProduce> {
 public:
  PendingProduce(Responder responder, absl::Duration timeout);

  // In the order of the request's entries.
  void AddError(const absl::Status& status);
  // Reached its level already.
  void AddWritten(const AppendResult& appended, bool provisional);
  // Counts once everything below its next offset is durable.
  void AddDurable(std::shared_ptr<PartitionLog> log, const AppendResult& appended);

  // After the last entry: answers now if nothing is left to wait for.
  void Start();

  void OnAck(uint32_t index, const absl::Status& status) override;

 private:
  struct Waiting {
    std::shared_ptr<PartitionLog> log;
    Offset next_offset = 0;
    uint32_t index = 0;
    bool done = false;
  };

  wire::ProduceResult* NewResult(const AppendResult& appended);
  void Reply();
  void OnTimeout();

  Responder responder_;
  Lane& lane_;
  const absl::Duration timeout_;
  wire::ResponseHeader reply_;
  std::vector<Waiting> waiting_;
  size_t left_ = 0;  // of waiting_, not done
  Deadlines::Id deadline_;
};

}  // namespace leat
