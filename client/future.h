#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "protocol/record/error.h"
#include "protocol/record/mutex.h"

namespace leat {

// Something that happens once and that several may wait for. Any thread.
class Completion {
 public:
  using Continuation = absl::AnyInvocable<void() &&>;

  Completion() = default;
  virtual ~Completion() = default;
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  bool ready() const { return ready_.load(std::memory_order_acquire); }
  // Blocks; false when `timeout` passed first.
  bool Wait(absl::Duration timeout);
  // Runs `continuation` once: now and here when ready already, else on the thread that completes.
  void OnReady(Continuation continuation);

 protected:
  // Wakes the waiting and runs the continuations on the calling thread. Once.
  void MarkReady();

 private:
  std::atomic<bool> ready_{false};
  Mutex mutex_;
  CondVar cond_;
  std::vector<Continuation> continuations_ ABSL_GUARDED_BY(mutex_);
};

// Results that futures refer to. One state may serve many futures, told apart by index: all records of a
// batch share one.
template <typename T>
class FutureState : public Completion {
 public:
  // After ready(), once per index.
  virtual T Take(uint32_t index) = 0;
};

// A result that comes later: the handle is small, moves, and does not own what is computed (dropping it
// cancels nothing). T is absl::Status, absl::StatusOr<X> or a vector of them. One thread at a time.
template <typename T>
class [[nodiscard]] Future {
 public:
  Future() = default;
  explicit Future(std::shared_ptr<FutureState<T>> state, uint32_t index = 0)
      : state_(std::move(state)), index_(index) {}

  // A future that is ready from the start.
  static Future Of(T value);

  bool valid() const { return state_ != nullptr; }  // false once the value was taken
  bool ready() const { return state_->ready(); }

  // Blocks until ready; false when `timeout` passed first. Not on a client's io thread.
  bool Wait(absl::Duration timeout) const { return state_->Wait(timeout); }

  // Blocks until ready and takes the value; the future is invalid afterwards. Not on a client's io thread.
  T Get() {
    Wait(absl::InfiniteDuration());
    return std::exchange(state_, nullptr)->Take(index_);
  }

  // Hands the value to `callback`: now and here when ready already, else on the client's io thread, where it
  // must not block; or, when a call such as Assign, Seek or a destructor ends what was waited for, inside
  // that call. The future is invalid afterwards.
  void Then(absl::AnyInvocable<void(T) &&> callback) && {
    auto* state = state_.get();
    state->OnReady([state = std::move(state_), index = index_, callback = std::move(callback)]() mutable {
      std::move(callback)(state->Take(index));
    });
  }

  // co_await gives the value. A coroutine that had to wait resumes on the client's io thread.
  auto operator co_await() && {
    struct Awaiter {
      std::shared_ptr<FutureState<T>> state;
      uint32_t index;
      bool await_ready() const { return state->ready(); }
      void await_suspend(std::coroutine_handle<> waiting) {
        // The coroutine may end, and this object with it, before OnReady returns.
        const std::shared_ptr<FutureState<T>> kept = state;
        kept->OnReady([waiting] { waiting.resume(); });
      }
      T await_resume() { return state->Take(index); }
    };
    return Awaiter{std::move(state_), index_};
  }

 private:
  std::shared_ptr<FutureState<T>> state_;
  uint32_t index_ = 0;
};

// The other end of a future with one value. Moves; any thread, one at a time. A promise that goes without a
// value sets kShuttingDown where T can hold a status, so that nobody waits for ever.
template <typename T>
class Promise {
 public:
  Promise() : state_(std::make_shared<State>()) {}
  Promise(Promise&&) noexcept = default;
  Promise& operator=(Promise&& other) noexcept {
    Abandon();
    state_ = std::move(other.state_);
    return *this;
  }
  ~Promise() { Abandon(); }

  Future<T> GetFuture() const { return Future<T>(state_); }
  // Once.
  void Set(T value) { std::exchange(state_, nullptr)->Set(std::move(value)); }

 private:
  class State final : public FutureState<T> {
   public:
    void Set(T value) {
      value_.emplace(std::move(value));
      this->MarkReady();
    }
    T Take(uint32_t) override { return std::move(*value_); }

   private:
    std::optional<T> value_;
  };

  void Abandon() {
    if constexpr (std::is_constructible_v<T, absl::Status>) {
      if (state_ != nullptr) Set(T(MakeError(ErrorCode::kShuttingDown, "the client was closed")));
    }
  }

  std::shared_ptr<State> state_;
};

template <typename T>
Future<T> Future<T>::Of(T value) {
  Promise<T> promise;
  Future future = promise.GetFuture();
  promise.Set(std::move(value));
  return future;
}

}  // namespace leat
