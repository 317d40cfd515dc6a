#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/future.h"

namespace leat {

// A coroutine that gives a T. It begins when it is awaited (or handed to Start or SyncWait) and is owned by
// the object: whoever awaits it keeps it until it is done. Arguments of coroutines are passed by value. An
// exception that leaves a task ends the program.
template <typename T>
class [[nodiscard]] Task {
 public:
  struct promise_type {
    std::optional<T> value;
    std::coroutine_handle<> waiting;

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Resume {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(Handle done) noexcept { return done.promise().waiting; }
        void await_resume() noexcept {}
      };
      return Resume{};
    }
    template <typename U>
    void return_value(U&& result) {
      value.emplace(std::forward<U>(result));
    }
    void unhandled_exception() noexcept { std::terminate(); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  auto operator co_await() && {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
        handle.promise().waiting = waiting;
        return handle;
      }
      T await_resume() { return std::move(*handle.promise().value); }
    };
    return Awaiter{handle_};
  }

 private:
  explicit Task(Handle handle) : handle_(handle) {}
  Handle handle_;
};

// A coroutine that owns itself: runs until its first wait at once and ends with its last line.
struct DetachedTask {
  struct promise_type {
    DetachedTask get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

template <typename T>
DetachedTask RunDetached(Task<T> task, Promise<T> promise) {
  T value = co_await std::move(task);
  promise.Set(std::move(value));
}

// Begins `task` on the calling thread, until its first wait; the future gives its result.
template <typename T>
Future<T> Start(Task<T> task) {
  Promise<T> promise;
  Future<T> future = promise.GetFuture();
  RunDetached(std::move(task), std::move(promise));
  return future;
}

// Runs `task` and blocks until its result is there. Not on a client's io thread.
template <typename T>
T SyncWait(Task<T> task) {
  return Start(std::move(task)).Get();
}

// Waits for all; the results come in the order of `futures`.
template <typename T>
Future<std::vector<T>> WhenAll(std::vector<Future<T>> futures) {
  struct All {
    std::vector<std::optional<T>> results;
    std::atomic<size_t> left;
    Promise<std::vector<T>> promise;

    void Finish() {
      std::vector<T> values;
      values.reserve(results.size());
      for (std::optional<T>& result : results) values.push_back(std::move(*result));
      promise.Set(std::move(values));
    }
  };
  auto all = std::make_shared<All>();
  all->results.resize(futures.size());
  all->left = futures.size() + 1;  // one for this call, so that it ends last
  Future<std::vector<T>> future = all->promise.GetFuture();
  for (size_t i = 0; i < futures.size(); ++i) {
    std::move(futures[i]).Then([all, i](T value) {
      all->results[i].emplace(std::move(value));
      if (all->left.fetch_sub(1) == 1) all->Finish();
    });
  }
  if (all->left.fetch_sub(1) == 1) all->Finish();
  return future;
}

}  // namespace leat
