#pragma once

#include <atomic>
#include <cstdint>
#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "protocol/record/mutex.h"

namespace leat {

// The bytes in flight of all connections together (memory_bytes_max). Whoever finds it over waits here and is
// called when it is below again. One waiter at a time may go on all the same, so that frames which together
// fill the budget, none complete, do not block each other for ever. Any thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(int64_t bytes_max) : bytes_max_(bytes_max) {}

  // Adds to what is used; a negative number gives back and may call waiters.
  void Charge(int64_t bytes);
  // How much of it replies hold. Readers that are slow must not keep others from sending: past half of the
  // budget nothing more should be copied into replies.
  void ChargeReplies(int64_t bytes) { replies_.fetch_add(bytes, std::memory_order_relaxed); }
  bool replies_over() const { return replies_.load(std::memory_order_relaxed) > bytes_max_ / 2; }
  // In one order with the flag of Wait: whoever waits after the last release sees it.
  int64_t used() const { return used_.load(); }
  bool over() const { return used() > bytes_max_; }

  // True when the caller may go on although the budget is over: it is the one, until ReturnPass.
  bool TakePass();
  void ReturnPass();

  // `wake` is called once, on any thread and not inside this call: with true when it comes with the pass.
  // Gives a ticket for CancelWait.
  using Wake = absl::AnyInvocable<void(bool with_pass) &&>;
  uint64_t Wait(Wake wake);
  // False when it was called, or is about to be.
  bool CancelWait(uint64_t ticket);

 private:
  void WakeWaiters();

  const int64_t bytes_max_;
  std::atomic<int64_t> used_{0};
  std::atomic<int64_t> replies_{0};
  std::atomic<bool> anyone_waits_{false};
  Mutex mutex_;
  bool pass_taken_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_ticket_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Wake> waiters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leat
