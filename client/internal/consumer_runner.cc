#include "client/internal/consumer_runner.h"

#include <pthread.h>

#include <utility>

#include "protocol/record/error.h"

namespace leat {

absl::Status ConsumerRunner::Run(Consumer::RecordHandler handler, Consumer::ErrorHandler on_error) {
  MutexLock lock(mutex_);
  if (thread_.joinable()) {
    if (!ended_) return MakeError(ErrorCode::kInvalidRequest, "the consumer runs already");
    thread_.join();
  }
  stop_ = false;
  ended_ = false;
  thread_ = std::thread([this, handler = std::move(handler), on_error = std::move(on_error)]() mutable {
    pthread_setname_np(pthread_self(), "leat-consumer");
    result_ = Loop(std::move(handler), std::move(on_error));
    ended_ = true;
  });
  return absl::OkStatus();
}

absl::Status ConsumerRunner::Loop(Consumer::RecordHandler handler, Consumer::ErrorHandler on_error) {
  while (!stop_) {
    absl::StatusOr<ConsumedRecords> records = core_->Poll(absl::InfiniteDuration(), &stop_);
    if (!records.ok()) {
      // Without a partition it is the end of the consumer.
      const bool passes = on_error && on_error(records.status()) && PartitionOf(records.status()).has_value();
      if (!passes) return records.status();
      continue;
    }
    for (size_t next = 0; next < records->size();) {
      const absl::Status status = handler((*records)[next++]);
      if (status.ok() && !stop_) continue;
      core_->Rewind(absl::MakeConstSpan(*records).subspan(next));
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status ConsumerRunner::Stop() {
  MutexLock lock(mutex_);
  stop_ = true;
  core_->Wake();
  if (!thread_.joinable()) return absl::OkStatus();
  thread_.join();
  return std::exchange(result_, absl::OkStatus());
}

}  // namespace leat
