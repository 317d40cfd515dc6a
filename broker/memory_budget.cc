#include "broker/memory_budget.h"

#include <utility>

namespace leat {

void MemoryBudget::Charge(int64_t bytes) {
  if (bytes == 0) return;
  used_.fetch_add(bytes);
  if (bytes < 0 && anyone_waits_.load() && !over()) WakeWaiters();
}

bool MemoryBudget::TakePass() {
  MutexLock lock(mutex_);
  return !std::exchange(pass_taken_, true);
}

void MemoryBudget::ReturnPass() {
  Wake next;
  {
    MutexLock lock(mutex_);
    pass_taken_ = !waiters_.empty();
    if (!pass_taken_) return;
    next = std::move(waiters_.begin()->second);
    waiters_.erase(waiters_.begin());
  }
  std::move(next)(true);
}

uint64_t MemoryBudget::Wait(Wake wake) {
  MutexLock lock(mutex_);
  waiters_.emplace(++last_ticket_, std::move(wake));
  anyone_waits_.store(true);
  return last_ticket_;
}

bool MemoryBudget::CancelWait(uint64_t ticket) {
  Wake dropped;  // dies after the lock is gone
  MutexLock lock(mutex_);
  const auto found = waiters_.find(ticket);
  if (found == waiters_.end()) return false;
  dropped = std::move(found->second);
  waiters_.erase(found);
  return true;
}

void MemoryBudget::WakeWaiters() {
  std::map<uint64_t, Wake> woken;
  {
    MutexLock lock(mutex_);
    woken.swap(waiters_);
    anyone_waits_.store(false);
  }
  for (auto& [ticket, wake] : woken) std::move(wake)(false);
}

}  // namespace leat
