#pragma once

#include <atomic>
#include <map>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "asio/io_context.hpp"
#include "asio/steady_timer.hpp"
#include "protocol/record/mutex.h"
#include "storage/env/executor.h"

namespace leat {

// An Executor over an io_context that one thread runs. Stopping and joining that thread is its owner's work.
class AsioExecutor final : public Executor {
 public:
  explicit AsioExecutor(asio::io_context& io) : io_(io), timer_(io) {}

  void Post(Task task) override;
  TimerId PostAfter(absl::Duration delay, Task task) override;
  bool Cancel(TimerId timer) override;
  bool IsCurrent() const override;
  // Takes no more tasks, and has the io_context stop behind those that are queued. Does not wait for it.
  void Stop() override;

 private:
  using Timers = std::map<std::pair<absl::Duration, TimerId>, Task>;

  void Arm();
  void OnTimer();

  asio::io_context& io_;
  asio::steady_timer timer_;  // on the thread of io_ only
  std::atomic<bool> stopping_{false};

  Mutex mutex_;
  Timers timers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<TimerId, absl::Duration> deadlines_ ABSL_GUARDED_BY(mutex_);  // of timers_
  TimerId last_timer_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace leat
