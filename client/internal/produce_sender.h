#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/internal/client_core.h"
#include "client/internal/link.h"
#include "client/internal/producer_core.h"

namespace leat {

// The io side of a producer: takes batches that may leave, makes requests of them, settles them by the
// replies. Everything on the io thread.
class ProduceSender {
 public:
  ProduceSender(ClientCore& client, ProducerCore& producer) : client_(client), producer_(producer) {}

  // Fails what is past its deadline and sends what may leave.
  void Turn();
  void Stop();

 private:
  using Departures = ProducerCore::Departures;

  absl::Status ExpiredError(const SendBatch& batch) const;
  void SendDepartures();
  bool ConnectionIsFree() const;
  void AwaitConnection();
  void SetTimer();
  void SendRequest(Departures departures);
  bool Prepare(PartitionQueue& queue, SendBatch& batch);
  void OnReply(const Departures& departures, absl::StatusOr<LinkReply> reply);
  void OnSent(const Departures& departures, const absl::Status& status);
  void Settle(PartitionQueue& queue, SendBatch& batch, const wire::ProduceResult& result);
  void SettleFailure(PartitionQueue& queue, SendBatch& batch, const absl::Status& error);

  ClientCore& client_;
  ProducerCore& producer_;
  int in_flight_ = 0;
  bool awaiting_ = false;
  bool in_turn_ = false;
  bool stopped_ = false;
  TimerQueue::Id timer_;
};

}  // namespace leat
