#pragma once

#include <atomic>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "client/consumer.h"
#include "client/internal/consumer_core.h"
#include "protocol/record/mutex.h"

namespace leat {

// The thread behind Consumer::Run.
class ConsumerRunner {
 public:
  explicit ConsumerRunner(std::shared_ptr<ConsumerCore> core) : core_(std::move(core)) {}
  ~ConsumerRunner() { static_cast<void>(Stop()); }

  absl::Status Run(Consumer::RecordHandler handler, Consumer::ErrorHandler on_error);
  absl::Status Stop();

 private:
  absl::Status Loop(Consumer::RecordHandler handler, Consumer::ErrorHandler on_error);

  const std::shared_ptr<ConsumerCore> core_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  absl::Status result_;  // written by the thread before it ends
  Mutex mutex_;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leat
