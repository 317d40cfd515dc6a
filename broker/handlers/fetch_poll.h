#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/deadlines.h"
#include "broker/fetch_waiters.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/responder.h"
#include "broker/session.h"
#include "storage/log/partition_log.h"

namespace leat {

// One fetch request: answers at once when there is enough, else waits in its partitions' lists for records,
// and for its time to be up. On the lane's executor.
class FetchPoll final : public FetchWaiter, public LongPoll, public std::enable_shared_from_this<FetchPoll> {
 public:
  FetchPoll(Responder responder, const wire::FetchRequest& fetch);

  void Start();

  void OnVisible(absl::Span<const uint32_t> indexes) override;
  void FinishNow() override;
  void Abandon() override;

 private:
  struct Partition {
    std::shared_ptr<PartitionLog> log;  // null: unknown, `status` says why
    Offset offset = 0;
    uint64_t bytes_max = 0;
    uint64_t bytes_seen = 0;  // that were there when last looked at
    absl::Status status;
    LogSlice slice;  // kept only from the look that found enough to the reply
  };

  void LookAt(Partition& partition);
  void LookAtAll();
  void Wait();
  void StopWaiting();
  void ReplyIfReady();
  void Gather();
  void Reply();

  Responder responder_;
  Lane& lane_;
  Broker& broker_;
  const uint64_t number_;
  const uint64_t bytes_min_;
  const uint64_t bytes_max_;
  const absl::Duration wait_until_;
  std::vector<Partition> partitions_;
  uint64_t bytes_seen_ = 0;  // of all partitions
  bool ready_ = false;       // to answer with what there is
  bool waiting_ = false;
  bool wants_room_ = false;  // queued for room to send
  Deadlines::Id deadline_;
};

}  // namespace leat
