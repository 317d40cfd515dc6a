#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/env/executor.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_random.h"

namespace leat {

class SimExecutor;

// A runtime in which nothing happens by itself: executors queue tasks, and the test runs them, one after the
// other in this one thread, in an order between executors that the seed decides. Time stands still while
// tasks run and jumps to the next timer when none is left. The same program and seed give the same run.
//
// Everything here and everything made by it belongs to the thread that made the runtime. Executors and events
// must be gone before the runtime goes.
//
// Event::Wait runs the scheduler until the event is set or its time has come. An executor whose task waits
// runs nothing else meanwhile, and waits end last in, first out. A wait that nothing can end stops the
// program with a message.
class SimRuntime final : public Runtime {
 public:
  explicit SimRuntime(uint64_t seed);
  ~SimRuntime() override;

  std::unique_ptr<Executor> NewExecutor(const std::string& name) override;
  std::unique_ptr<Event> NewEvent() override;
  ManualClock& clock() override { return clock_; }

  // Runs one task; when none is ready, moves the clock to the next timer first. False when there is neither.
  bool Step();
  // Runs tasks until none is ready. The clock stands still.
  void RunUntilIdle();
  // Runs all tasks and timers of the next `duration`; the clock is at its end afterwards.
  void RunFor(absl::Duration duration);

  // A digest of what ran so far: executor, number and time of every task. Equal in equal runs.
  uint64_t trace_hash() const { return trace_hash_; }
  uint64_t tasks_run() const { return tasks_run_; }

 private:
  friend class SimExecutor;
  friend class SimEvent;

  // Like Step, but never moves the clock beyond `limit`.
  bool StepUntil(absl::Duration limit);
  // An executor with a task that can run now; nullptr when there is none.
  SimExecutor* PickReady();
  void Trace(const std::string& executor);

  ManualClock clock_;
  SeededRandom random_;
  std::vector<SimExecutor*> executors_;  // in the order they were made
  SimExecutor* current_ = nullptr;       // whose task is running; the innermost, when tasks wait
  uint64_t trace_hash_ = 0xcbf29ce484222325;
  uint64_t tasks_run_ = 0;
};

}  // namespace leat
