#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "asio/io_context.hpp"
#include "asio/steady_timer.hpp"
#include "client/internal/monotonic.h"

namespace leat {

// Any number of one-shot timers over one timer of the io_context. The system timer is only ever moved forward
// in time by what fires: cancelling costs no system call. All on the io thread.
class TimerQueue {
 public:
  using Task = absl::AnyInvocable<void() &&>;
  using Id = std::pair<MonotonicTime, uint64_t>;
  static constexpr Id kNone{};

  explicit TimerQueue(asio::io_context& io) : timer_(io) {}

  // Runs `task` at `when` or soon after. MonotonicTime::max() is never.
  Id Add(MonotonicTime when, Task task);
  // Drops the task if it is still there, and resets `id`.
  void Cancel(Id& id);
  // Drops all tasks and takes no more.
  void Close();

 private:
  void Arm();
  void Fire();

  asio::steady_timer timer_;
  std::map<Id, Task> tasks_;
  uint64_t next_ = 1;
  MonotonicTime armed_ = MonotonicTime::max();
  bool closed_ = false;
};

}  // namespace leat
