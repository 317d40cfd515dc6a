#include <pthread.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "storage/env/executor.h"

// What only real threads can show.

namespace leat {
namespace {

constexpr absl::Duration kNever = absl::Hours(24);

class ThreadRuntimeTest : public ::testing::Test {
 protected:
  std::unique_ptr<Runtime> runtime_ = NewThreadRuntime();
};

TEST_F(ThreadRuntimeTest, ThreadIsNamed) {
  std::unique_ptr<Executor> executor = runtime_->NewExecutor("a-name-of-more-than-15");
  std::string name;
  const std::unique_ptr<Event> done = runtime_->NewEvent();
  executor->Post([&] {
    char buffer[16] = {};
    pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
    name = buffer;
    done->Set();
  });
  ASSERT_TRUE(done->Wait(kNever));
  EXPECT_EQ(name, "a-name-of-more-");
}

TEST_F(ThreadRuntimeTest, PostsOfOneThreadKeepTheirOrderAmongMany) {
  constexpr int kThreads = 4, kPosts = 2000;
  std::unique_ptr<Executor> executor = runtime_->NewExecutor("many");
  std::vector<int> last(kThreads, -1);
  int out_of_order = 0, ran = 0;
  std::vector<std::thread> posters;
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&, t] {
      for (int i = 0; i < kPosts; ++i) {
        executor->Post([&, t, i] {  // no lock: one executor
          out_of_order += last[t] + 1 != i ? 1 : 0;
          last[t] = i;
          ++ran;
        });
      }
    });
  }
  for (std::thread& poster : posters) poster.join();
  executor->Stop();
  EXPECT_EQ(ran, kThreads * kPosts);
  EXPECT_EQ(out_of_order, 0);
}

TEST_F(ThreadRuntimeTest, CancelFromAnotherThreadTellsTheTruth) {
  constexpr int kTimers = 2000;
  std::unique_ptr<Executor> executor = runtime_->NewExecutor("race");
  std::atomic<int> fired{0};
  int cancelled = 0;
  std::vector<Executor::TimerId> timers;
  for (int i = 0; i < kTimers; ++i) {
    timers.push_back(executor->PostAfter(absl::Microseconds(i % 500), [&] { ++fired; }));
  }
  for (const Executor::TimerId timer : timers) cancelled += executor->Cancel(timer) ? 1 : 0;
  const std::unique_ptr<Event> done = runtime_->NewEvent();
  executor->PostAfter(absl::Milliseconds(1), [&] { done->Set(); });
  ASSERT_TRUE(done->Wait(kNever));
  executor->Stop();
  EXPECT_EQ(fired + cancelled, kTimers);
}

TEST_F(ThreadRuntimeTest, EventMayDieAsSoonAsItsWaiterIsBack) {
  std::unique_ptr<Executor> executor = runtime_->NewExecutor("events");
  for (int i = 0; i < 2000; ++i) {
    std::unique_ptr<Event> event = runtime_->NewEvent();
    executor->Post([&event] { event->Set(); });
    ASSERT_TRUE(event->Wait(kNever));
  }
}

TEST_F(ThreadRuntimeTest, ExecutorMayDieAsSoonAsItsLastTaskLetsIt) {
  std::unique_ptr<Executor> poster = runtime_->NewExecutor("poster");
  for (int i = 0; i < 300; ++i) {
    std::unique_ptr<Executor> executor = runtime_->NewExecutor("short-lived");
    const std::unique_ptr<Event> done = runtime_->NewEvent();
    poster->Post([&] { executor->Post([&] { done->Set(); }); });
    ASSERT_TRUE(done->Wait(kNever));
    executor.reset();
  }
}

TEST_F(ThreadRuntimeTest, EveryWaiterIsReleased) {
  const std::unique_ptr<Event> event = runtime_->NewEvent();
  std::atomic<int> released{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) waiters.emplace_back([&] { released += event->Wait(kNever) ? 1 : 0; });
  event->Set();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(released, 4);
}

TEST_F(ThreadRuntimeTest, ConcurrentStopsAllWaitForTheLastTask) {
  std::unique_ptr<Executor> executor = runtime_->NewExecutor("stops");
  std::atomic<bool> ended{false};
  const std::unique_ptr<Event> go = runtime_->NewEvent();
  executor->Post([&] {
    go->Wait(kNever);
    ended = true;
  });
  std::vector<std::thread> stoppers;
  std::atomic<int> early{0};
  for (int i = 0; i < 3; ++i) {
    stoppers.emplace_back([&] {
      executor->Stop();
      early += ended ? 0 : 1;
    });
  }
  go->Set();
  for (std::thread& stopper : stoppers) stopper.join();
  EXPECT_EQ(early, 0);
}

}  // namespace
}  // namespace leat
