#include "tests/support/sim_runtime.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <utility>

namespace leat {
namespace {

// A mistake of the test or of the code under test that cannot be reported in another way.
[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "SimRuntime: %s\n", what.c_str());
  std::abort();
}

}  // namespace

class SimExecutor final : public Executor {
 public:
  SimExecutor(SimRuntime& runtime, std::string name) : runtime_(runtime), name_(std::move(name)) {
    runtime_.executors_.push_back(this);
  }
  ~SimExecutor() override {
    Stop();
    runtime_.executors_.erase(std::find(runtime_.executors_.begin(), runtime_.executors_.end(), this));
  }

  void Post(Task task) override {
    if (!stopping_) queue_.push_back({0, std::move(task)});
  }

  TimerId PostAfter(absl::Duration delay, Task task) override {
    if (stopping_) return 0;
    const TimerId id = ++last_timer_;
    if (delay <= absl::ZeroDuration()) {
      queue_.push_back({id, std::move(task)});
    } else {
      timers_.emplace(std::make_pair(runtime_.clock_.Monotonic() + delay, id), std::move(task));
    }
    return id;
  }

  bool Cancel(TimerId timer) override {
    if (timer == 0) return false;
    const auto queued =
        std::find_if(queue_.begin(), queue_.end(), [&](const Item& item) { return item.timer == timer; });
    const auto waiting = std::find_if(timers_.begin(), timers_.end(),
                                      [&](const auto& entry) { return entry.first.second == timer; });
    Task dropped;  // destroyed last: it may call back into this executor
    if (queued != queue_.end()) {
      dropped = std::move(queued->task);
      queue_.erase(queued);
      return true;
    }
    if (waiting == timers_.end()) return false;
    dropped = std::move(waiting->second);
    timers_.erase(waiting);
    return true;
  }

  bool IsCurrent() const override { return runtime_.current_ == this; }

  void Stop() override {
    if (busy_) Fail("executor " + name_ + " is stopped while one of its tasks runs");
    stopping_ = true;
    const Timers dropped = std::exchange(timers_, {});
    while (!queue_.empty()) RunNext();
  }

  // Of the next timer; infinite without one, or while a task of this executor waits.
  absl::Duration NextDeadline() const {
    return busy_ || timers_.empty() ? absl::InfiniteDuration() : timers_.begin()->first.first;
  }

  bool IsReady(absl::Duration now) {
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
      queue_.push_back({timers_.begin()->first.second, std::move(timers_.begin()->second)});
      timers_.erase(timers_.begin());
    }
    return !busy_ && !queue_.empty();
  }

  void RunNext() {
    Task task = std::move(queue_.front().task);
    queue_.pop_front();
    runtime_.Trace(name_);
    SimExecutor* const outer = std::exchange(runtime_.current_, this);
    busy_ = true;
    std::move(task)();
    task = nullptr;  // what it holds goes while the executor is still the current one
    busy_ = false;
    runtime_.current_ = outer;
  }

 private:
  struct Item {
    TimerId timer;  // 0: posted
    Task task;
  };
  using Timers = std::map<std::pair<absl::Duration, TimerId>, Task>;

  SimRuntime& runtime_;
  const std::string name_;
  std::deque<Item> queue_;
  Timers timers_;
  TimerId last_timer_ = 0;
  bool busy_ = false;
  bool stopping_ = false;
};

class SimEvent final : public Event {
 public:
  explicit SimEvent(SimRuntime& runtime) : runtime_(runtime) {}

  void Set() override { set_ = true; }

  bool Wait(absl::Duration timeout) override {
    const absl::Duration deadline = runtime_.clock_.Monotonic() + timeout;
    while (!set_) {
      if (runtime_.clock_.Monotonic() >= deadline) return false;
      if (runtime_.StepUntil(deadline)) continue;
      if (deadline == absl::InfiniteDuration())
        Fail("deadlock: an event is waited for and nothing is left to run");
      runtime_.clock_.Advance(deadline - runtime_.clock_.Monotonic());
    }
    return true;
  }

 private:
  SimRuntime& runtime_;
  bool set_ = false;
};

SimRuntime::SimRuntime(uint64_t seed) : random_(seed) {}

SimRuntime::~SimRuntime() {
  if (!executors_.empty()) Fail("an executor outlives its runtime");
}

std::unique_ptr<Executor> SimRuntime::NewExecutor(const std::string& name) {
  return std::make_unique<SimExecutor>(*this, name);
}

std::unique_ptr<Event> SimRuntime::NewEvent() { return std::make_unique<SimEvent>(*this); }

bool SimRuntime::Step() { return StepUntil(absl::InfiniteDuration()); }

void SimRuntime::RunUntilIdle() {
  while (SimExecutor* const ready = PickReady()) ready->RunNext();
}

void SimRuntime::RunFor(absl::Duration duration) {
  const absl::Duration end = clock_.Monotonic() + duration;
  while (StepUntil(end)) {
  }
  if (clock_.Monotonic() < end) clock_.Advance(end - clock_.Monotonic());
}

bool SimRuntime::StepUntil(absl::Duration limit) {
  SimExecutor* ready = PickReady();
  if (ready == nullptr) {
    absl::Duration next = absl::InfiniteDuration();
    for (const SimExecutor* executor : executors_) next = std::min(next, executor->NextDeadline());
    if (next > limit || next == absl::InfiniteDuration()) return false;
    clock_.Advance(next - clock_.Monotonic());
    ready = PickReady();
  }
  ready->RunNext();
  return true;
}

SimExecutor* SimRuntime::PickReady() {
  std::vector<SimExecutor*> ready;
  for (SimExecutor* executor : executors_) {
    if (executor->IsReady(clock_.Monotonic())) ready.push_back(executor);
  }
  return ready.empty() ? nullptr : random_.Pick(ready);
}

void SimRuntime::Trace(const std::string& executor) {
  constexpr uint64_t kPrime = 0x100000001b3;  // FNV-1a
  for (const char byte : executor) trace_hash_ = (trace_hash_ ^ static_cast<uint8_t>(byte)) * kPrime;
  const auto now_ns = static_cast<uint64_t>(absl::ToInt64Nanoseconds(clock_.Monotonic()));
  for (const uint64_t number : {++tasks_run_, now_ns}) {
    for (int shift = 0; shift < 64; shift += 8)
      trace_hash_ = (trace_hash_ ^ (number >> shift & 0xff)) * kPrime;
  }
}

}  // namespace leat
