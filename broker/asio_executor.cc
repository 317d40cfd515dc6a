#include "broker/asio_executor.h"

#include <algorithm>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "asio/post.hpp"

namespace leat {
namespace {

// Longest single wait of the timer, so that no deadline overflows it.
constexpr absl::Duration kWaitMax = absl::Hours(1);

}  // namespace

void AsioExecutor::Post(Task task) {
  if (stopping_.load()) return;
  asio::post(io_, [task = std::move(task)]() mutable { std::move(task)(); });
}

Executor::TimerId AsioExecutor::PostAfter(absl::Duration delay, Task task) {
  if (stopping_.load()) return 0;
  const absl::Duration deadline = SystemClock().Monotonic() + std::max(delay, absl::ZeroDuration());
  TimerId id = 0;
  {
    MutexLock lock(mutex_);
    id = ++last_timer_;
    const auto place = timers_.emplace(std::make_pair(deadline, id), std::move(task)).first;
    deadlines_.emplace(id, deadline);
    if (place != timers_.begin()) return id;
  }
  if (IsCurrent()) {
    Arm();
  } else {
    asio::post(io_, [this] { Arm(); });
  }
  return id;
}

bool AsioExecutor::Cancel(TimerId timer) {
  Task dropped;  // dies after the lock is gone
  MutexLock lock(mutex_);
  const auto found = deadlines_.find(timer);
  if (found == deadlines_.end()) return false;
  const auto entry = timers_.find({found->second, timer});
  dropped = std::move(entry->second);
  timers_.erase(entry);
  deadlines_.erase(found);
  return true;
}

bool AsioExecutor::IsCurrent() const { return io_.get_executor().running_in_this_thread(); }

void AsioExecutor::Stop() {
  if (stopping_.exchange(true)) return;
  asio::post(io_, [this] {
    Timers dropped;  // dies after the lock is gone
    MutexLock lock(mutex_);
    dropped.swap(timers_);
    deadlines_.clear();
    io_.stop();
  });
}

void AsioExecutor::Arm() {
  absl::Duration wait;
  {
    MutexLock lock(mutex_);
    if (timers_.empty()) return;
    wait = timers_.begin()->first.first - SystemClock().Monotonic();
  }
  timer_.expires_after(absl::ToChronoNanoseconds(std::clamp(wait, absl::ZeroDuration(), kWaitMax)));
  timer_.async_wait([this](const std::error_code& error) {
    if (!error) OnTimer();
  });
}

// Takes the tasks out one by one, so that each may still cancel a later one.
void AsioExecutor::OnTimer() {
  // Also when a task throws, as for want of memory: the other timers go on.
  const auto rearm = absl::MakeCleanup([this] { Arm(); });
  const absl::Duration now = SystemClock().Monotonic();
  for (;;) {
    Task task;
    {
      MutexLock lock(mutex_);
      if (timers_.empty() || timers_.begin()->first.first > now) break;
      task = std::move(timers_.begin()->second);
      deadlines_.erase(timers_.begin()->first.second);
      timers_.erase(timers_.begin());
    }
    std::move(task)();
  }
}

}  // namespace leat
