#include "client/future.h"

#include <utility>

#include "client/internal/monotonic.h"

namespace leat {

bool Completion::Wait(absl::Duration timeout) {
  if (ready()) return true;
  const MonotonicTime deadline = After(MonotonicNow(), timeout);
  MutexLock lock(mutex_);
  while (!ready()) {
    if (deadline == MonotonicTime::max()) {
      cond_.Wait(mutex_);
      continue;
    }
    const auto left = deadline - MonotonicNow();
    if (left <= std::chrono::nanoseconds::zero()) return false;
    cond_.WaitFor(mutex_, left);
  }
  return true;
}

void Completion::OnReady(Continuation continuation) {
  {
    MutexLock lock(mutex_);
    if (!ready()) {
      continuations_.push_back(std::move(continuation));
      return;
    }
  }
  std::move(continuation)();
}

void Completion::MarkReady() {
  std::vector<Continuation> continuations;
  {
    MutexLock lock(mutex_);
    ready_.store(true, std::memory_order_release);
    continuations.swap(continuations_);
    // Under the lock: a waiter may destroy this object as soon as it sees that it is ready.
    cond_.NotifyAll();
  }
  for (Continuation& continuation : continuations) std::move(continuation)();
}

}  // namespace leat
