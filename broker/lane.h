#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "broker/ack_waiters.h"
#include "broker/deadlines.h"
#include "broker/fetch_waiters.h"
#include "broker/log.h"
#include "protocol/record/mutex.h"
#include "protocol/wire/leat.pb.h"
#include "storage/env/executor.h"

namespace leat {

class Session;

using CommitGroup = std::shared_ptr<const std::vector<CommitOutcome>>;

// What belongs to one network thread: its sessions, who waits on it, its deadlines. Everything that is not
// marked otherwise happens on its executor.
class Lane {
 public:
  Lane(Executor& executor, Clock& clock, Metrics& metrics);
  ~Lane();

  Executor& executor() { return executor_; }
  Clock& clock() { return clock_; }
  Deadlines& deadlines() { return deadlines_; }
  RateLimitedLog& connection_log() { return connection_log_; }
  // One header to parse requests into, reused so that its memory is.
  wire::RequestHeader& request_header() { return request_header_; }

  // Keeps the session alive until Remove. Gives its number.
  uint64_t Add(std::shared_ptr<Session> session);
  void Remove(uint64_t number);
  // Lets go of everything, for good; the executor is not used any more. Any thread once it has stopped.
  void Close();
  bool closed() const { return closed_; }
  std::vector<std::shared_ptr<Session>> Sessions() const;
  uint64_t NextNumber() { return ++last_number_; }

  // Register first, look at the marks afterwards: news that comes in between is not missed.
  void WaitForAck(uint64_t partition_id, Offset next_offset, std::shared_ptr<AckWaiter> waiter,
                  uint32_t index);
  void ForgetAck(uint64_t partition_id, Offset next_offset);
  void WaitForRecords(uint64_t partition_id, uint64_t number, std::shared_ptr<FetchWaiter> waiter,
                      uint32_t index);
  void ForgetRecords(uint64_t partition_id, uint64_t number);

  // News from the commit thread and from other lanes. Any thread; at most one post however much comes before
  // the executor gets to it, none when nobody waits.
  void OnCommitted(const CommitGroup& group);
  void OnAppended(uint64_t partition_id);
  void OnStorageFailure(const absl::Status& status);

 private:
  struct News {
    std::vector<CommitGroup> groups;
    std::vector<uint64_t> appended;  // partitions whose records became visible without a commit
    absl::Status failure;
  };

  void UpdateInterest();
  void Schedule() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TakeNews();

  Executor& executor_;
  Clock& clock_;
  Metrics& metrics_;
  Deadlines deadlines_;
  AckWaiters acks_;
  FetchWaiters fetches_;
  RateLimitedLog connection_log_;
  wire::RequestHeader request_header_;
  std::map<uint64_t, std::shared_ptr<Session>> sessions_;
  uint64_t last_number_ = 0;
  bool closed_ = false;
  bool interested_here_ = false;  // what interested_ is, without the lock

  Mutex mutex_;
  bool interested_ ABSL_GUARDED_BY(mutex_) = false;  // anybody waits
  bool scheduled_ ABSL_GUARDED_BY(mutex_) = false;
  News news_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leat
