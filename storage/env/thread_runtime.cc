#include <pthread.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "protocol/record/mutex.h"
#include "storage/env/executor.h"

namespace leat {
namespace {

// Longest single sleep; waits beyond it are taken in turns, so that no deadline overflows.
constexpr absl::Duration kSleepMax = absl::Hours(1);

std::chrono::nanoseconds SleepTime(absl::Duration wanted) {
  return absl::ToChronoNanoseconds(std::min(wanted, kSleepMax));
}

// One thread that takes its whole queue in one lock round trip.
class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(const std::string& name) : thread_([this] { Run(); }) {
    pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
  }
  ~ThreadExecutor() override { Stop(); }

  void Post(Task task) override {
    MutexLock lock(mutex_);
    if (stopping_) return;  // parameters, and so `task`, die after the lock is gone
    queue_.push_back({0, std::move(task)});
    Wake();
  }

  TimerId PostAfter(absl::Duration delay, Task task) override {
    const absl::Duration deadline = SystemClock().Monotonic() + delay;
    MutexLock lock(mutex_);
    if (stopping_) return 0;
    const TimerId id = ++last_timer_;
    if (delay <= absl::ZeroDuration()) {
      queue_.push_back({id, std::move(task)});
      queued_timers_.insert(id);
      Wake();
    } else {
      const auto place = timers_.emplace(std::make_pair(deadline, id), std::move(task)).first;
      deadlines_.emplace(id, deadline);
      if (place == timers_.begin()) Wake();
    }
    return id;
  }

  bool Cancel(TimerId timer) override {
    Task dropped;  // dies after the lock is gone
    MutexLock lock(mutex_);
    const auto waiting = deadlines_.find(timer);
    if (waiting == deadlines_.end()) return queued_timers_.erase(timer) > 0;
    const auto entry = timers_.find({waiting->second, timer});
    dropped = std::move(entry->second);
    timers_.erase(entry);
    deadlines_.erase(waiting);
    return true;
  }

  bool IsCurrent() const override { return current_ == this; }

  void Stop() override {
    MutexLock stop_lock(stop_mutex_);
    if (!thread_.joinable()) return;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      Wake();
    }
    thread_.join();
  }

 private:
  struct Item {
    TimerId timer;  // 0: posted
    Task task;
  };
  using Timers = std::map<std::pair<absl::Duration, TimerId>, Task>;

  void Run() {
    current_ = this;
    std::vector<Item> batch;
    while (TakeBatch(batch)) {
      for (Item& item : batch) {
        if (item.timer == 0 || StartQueuedTimer(item.timer)) std::move(item.task)();
        item.task = nullptr;  // what it holds goes now, not with the batch
      }
      batch.clear();
    }
    Timers dropped;  // dies after the lock is gone
    MutexLock lock(mutex_);
    dropped.swap(timers_);
    deadlines_.clear();
  }

  // Waits for work and swaps it into `batch`, which is empty. False when the executor stops and all is done.
  bool TakeBatch(std::vector<Item>& batch) {
    MutexLock lock(mutex_);
    for (;;) {
      if (!stopping_ && !timers_.empty()) QueueDueTimers(SystemClock().Monotonic());
      if (!queue_.empty()) {
        batch.swap(queue_);
        return true;
      }
      if (stopping_) return false;
      asleep_ = true;
      if (timers_.empty()) {
        wake_.Wait(mutex_);
      } else {
        wake_.WaitFor(mutex_, SleepTime(timers_.begin()->first.first - SystemClock().Monotonic()));
      }
      asleep_ = false;
    }
  }

  // Under the lock: the task just queued may be what lets another thread destroy this executor.
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(asleep_, false)) wake_.NotifyOne();
  }

  void QueueDueTimers(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
      const TimerId id = timers_.begin()->first.second;
      queue_.push_back({id, std::move(timers_.begin()->second)});
      queued_timers_.insert(id);
      deadlines_.erase(id);
      timers_.erase(timers_.begin());
    }
  }

  // False when it was cancelled while it waited for its turn.
  bool StartQueuedTimer(TimerId timer) {
    MutexLock lock(mutex_);
    return queued_timers_.erase(timer) > 0;
  }

  static thread_local const ThreadExecutor* current_;

  Mutex stop_mutex_;  // taken before mutex_
  Mutex mutex_;
  CondVar wake_;
  std::vector<Item> queue_ ABSL_GUARDED_BY(mutex_);
  Timers timers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<TimerId, absl::Duration> deadlines_ ABSL_GUARDED_BY(mutex_);  // of timers_
  absl::flat_hash_set<TimerId> queued_timers_ ABSL_GUARDED_BY(mutex_);              // due, but not started
  TimerId last_timer_ ABSL_GUARDED_BY(mutex_) = 0;
  bool asleep_ ABSL_GUARDED_BY(mutex_) = false;  // the thread waits and nobody has woken it yet
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses all of the above
};

thread_local const ThreadExecutor* ThreadExecutor::current_ = nullptr;

class ThreadEvent final : public Event {
 public:
  void Set() override {
    // Under the lock, because the waiter may destroy the event as soon as it can have the lock.
    MutexLock lock(mutex_);
    set_ = true;
    changed_.NotifyAll();
  }

  bool Wait(absl::Duration timeout) override {
    const absl::Duration deadline = SystemClock().Monotonic() + timeout;
    MutexLock lock(mutex_);
    while (!set_) {
      const absl::Duration left = deadline - SystemClock().Monotonic();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(mutex_, SleepTime(left));
    }
    return true;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool set_ ABSL_GUARDED_BY(mutex_) = false;
};

class ThreadRuntime final : public Runtime {
 public:
  std::unique_ptr<Executor> NewExecutor(const std::string& name) override {
    return std::make_unique<ThreadExecutor>(name);
  }
  std::unique_ptr<Event> NewEvent() override { return std::make_unique<ThreadEvent>(); }
  Clock& clock() override { return SystemClock(); }
};

}  // namespace

std::unique_ptr<Runtime> NewThreadRuntime() { return std::make_unique<ThreadRuntime>(); }

}  // namespace leat
