#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "absl/time/time.h"
#include "storage/env/executor.h"

namespace leat {

// Many deadlines over one timer of an executor: adding and dropping one costs no timer call unless it is the
// new earliest. Only on the executor, which has stopped before the object goes.
class Deadlines {
 public:
  // Absolute monotonic time and a serial number; a default one is none.
  using Id = std::pair<absl::Duration, uint64_t>;

  Deadlines(Executor& executor, Clock& clock) : executor_(executor), clock_(clock) {}

  // Runs `task` on the executor once the monotonic clock has reached `when`.
  Id Add(absl::Duration when, Executor::Task task);
  // The task will not run, unless it has.
  void Drop(Id id) { tasks_.erase(id); }
  // Drops all; the executor, which has stopped, is not asked.
  void Clear();

 private:
  void Arm();
  void OnTimer();

  Executor& executor_;
  Clock& clock_;
  std::map<Id, Executor::Task> tasks_;
  uint64_t last_serial_ = 0;
  Executor::TimerId timer_ = 0;
  absl::Duration armed_for_;  // while timer_ is not 0
};

}  // namespace leat
