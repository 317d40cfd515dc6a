#include "broker/deadlines.h"

namespace leat {

Deadlines::Id Deadlines::Add(absl::Duration when, Executor::Task task) {
  const Id id{when, ++last_serial_};
  tasks_.emplace(id, std::move(task));
  Arm();
  return id;
}

void Deadlines::Clear() {
  std::map<Id, Executor::Task> dropped;
  dropped.swap(tasks_);
  timer_ = 0;
}

// A timer that fires too early, because its deadline was dropped, only arms the next one: cheaper than a
// timer call for every request.
void Deadlines::Arm() {
  if (tasks_.empty()) return;
  const absl::Duration next = tasks_.begin()->first.first;
  if (timer_ != 0) {
    if (armed_for_ <= next) return;
    executor_.Cancel(timer_);
  }
  armed_for_ = next;
  timer_ = executor_.PostAfter(next - clock_.Monotonic(), [this] { OnTimer(); });
}

void Deadlines::OnTimer() {
  timer_ = 0;
  const absl::Duration now = clock_.Monotonic();
  while (!tasks_.empty() && tasks_.begin()->first.first <= now) {
    Executor::Task task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    std::move(task)();
  }
  Arm();
}

}  // namespace leat
