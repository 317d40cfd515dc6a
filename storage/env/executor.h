#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "storage/env/clock.h"

// The seam to threads, timers and blocking waits (design D8). In production an executor is one thread; under
// the simulator all executors of a runtime share one thread, and a seed decides whose task runs next.

namespace leat {

// Runs tasks one at a time, in the order posted. State that only tasks of one executor touch needs no lock.
class Executor {
 public:
  using Task = absl::AnyInvocable<void() &&>;
  using TimerId = uint64_t;  // 0 is no timer

  virtual ~Executor() = default;

  // Queues `task`. Any thread. After Stop the task is destroyed without being run.
  virtual void Post(Task task) = 0;

  // Queues `task` when `delay` has passed on the monotonic clock. Any thread.
  virtual TimerId PostAfter(absl::Duration delay, Task task) = 0;

  // True when the task had not begun: it will not run. False when it has begun, was cancelled or dropped
  // before, or `timer` is 0. Any thread; on another thread than the executor's it may be running still.
  virtual bool Cancel(TimerId timer) = 0;

  // True on the thread that is running a task of this executor right now.
  virtual bool IsCurrent() const = 0;

  // Runs what is queued, drops timers, and returns when the last task has ended. Later posts are dropped.
  // Not from a task of this executor. Called by the destructor of an executor that owns a thread.
  virtual void Stop() = 0;
};

// A flag that one side waits for. Any thread.
class Event {
 public:
  virtual ~Event() = default;
  virtual void Set() = 0;
  // Waits until Set was called; false when `timeout` passed first. Never on an executor that Set depends on.
  virtual bool Wait(absl::Duration timeout) = 0;
  void Wait() { Wait(absl::InfiniteDuration()); }
};

// Makes executors and events that work together.
class Runtime {
 public:
  virtual ~Runtime() = default;
  // The runtime must outlive what it made.
  virtual std::unique_ptr<Executor> NewExecutor(const std::string& name) = 0;
  virtual std::unique_ptr<Event> NewEvent() = 0;
  virtual Clock& clock() = 0;
};

// Real threads and SystemClock(). `name` becomes the thread's name (15 characters).
std::unique_ptr<Runtime> NewThreadRuntime();

}  // namespace leat
