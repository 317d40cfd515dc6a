#include "client/internal/timer_queue.h"

#include <system_error>

namespace leat {

TimerQueue::Id TimerQueue::Add(MonotonicTime when, Task task) {
  if (closed_ || when == MonotonicTime::max()) return kNone;
  const Id id{when, next_++};
  tasks_.emplace(id, std::move(task));
  Arm();
  return id;
}

void TimerQueue::Cancel(Id& id) {
  tasks_.erase(id);
  id = kNone;
}

void TimerQueue::Close() {
  closed_ = true;
  std::map<Id, Task>().swap(tasks_);
  timer_.cancel();
}

void TimerQueue::Arm() {
  if (tasks_.empty()) return;
  const MonotonicTime first = tasks_.begin()->first.first;
  if (first >= armed_) return;
  armed_ = first;
  timer_.expires_at(first);
  timer_.async_wait([this](const std::error_code& error) {
    if (!error) Fire();
  });
}

void TimerQueue::Fire() {
  armed_ = MonotonicTime::max();
  const MonotonicTime now = MonotonicNow();
  while (!tasks_.empty() && tasks_.begin()->first.first <= now) {
    auto node = tasks_.extract(tasks_.begin());
    std::move(node.mapped())();
  }
  Arm();
}

}  // namespace leat
