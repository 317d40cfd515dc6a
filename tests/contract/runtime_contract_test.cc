#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/env/executor.h"
#include "tests/contract/runtimes.h"

// What Executor, Event and Runtime promise, over every implementation. Under real threads no test waits for a
// length of time to pass, except for short timers that have to fire.

namespace leat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kNever = absl::Hours(24);

template <typename Kind>
class RuntimeContract : public ::testing::Test {
 protected:
  Runtime& runtime() { return kind_.runtime(); }
  std::unique_ptr<Executor> NewExecutor(const std::string& name) { return runtime().NewExecutor(name); }

  // Returns when `executor` has run all that was posted before.
  void Drain(Executor& executor) {
    const std::unique_ptr<Event> done = runtime().NewEvent();
    executor.Post([&] { done->Set(); });
    done->Wait();
  }

 private:
  Kind kind_;
};

TYPED_TEST_SUITE(RuntimeContract, Runtimes);

TYPED_TEST(RuntimeContract, RunsTasksInTheOrderPosted) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("order");
  std::vector<int> ran, expected;
  for (int i = 0; i < 1000; ++i) {
    expected.push_back(i);
    executor->Post([&ran, i] { ran.push_back(i); });
  }
  this->Drain(*executor);
  EXPECT_EQ(ran, expected);
}

TYPED_TEST(RuntimeContract, TasksPostedByTasksRunAfterThoseWaiting) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("nested");
  const std::unique_ptr<Event> done = this->runtime().NewEvent();
  std::vector<std::string> ran;
  executor->Post([&] {
    ran.push_back("first");
    executor->Post([&] {
      ran.push_back("from first");
      done->Set();
    });
    executor->Post([&] { ran.push_back("not awaited"); });
  });
  done->Wait(kNever);
  executor->Stop();
  EXPECT_THAT(ran, ElementsAre("first", "from first", "not awaited"));
}

TYPED_TEST(RuntimeContract, WhatATaskHoldsGoesWhenItEnds) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("holds");
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  bool gone = false;
  executor->Post([held = std::move(held)] { EXPECT_EQ(*held, 1); });
  executor->Post([&] { gone = watch.expired(); });
  this->Drain(*executor);
  EXPECT_TRUE(gone);
}

TYPED_TEST(RuntimeContract, IsCurrentOnlyInsideItsTasks) {
  const std::unique_ptr<Executor> a = this->NewExecutor("a");
  const std::unique_ptr<Executor> b = this->NewExecutor("b");
  std::vector<bool> seen;
  EXPECT_FALSE(a->IsCurrent());
  a->Post([&] {
    seen.push_back(a->IsCurrent());
    seen.push_back(b->IsCurrent());
  });
  this->Drain(*a);
  EXPECT_THAT(seen, ElementsAre(true, false));
  EXPECT_FALSE(a->IsCurrent());
}

TYPED_TEST(RuntimeContract, TimersFireInTheOrderOfTheirTimes) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("timers");
  const std::unique_ptr<Event> done = this->runtime().NewEvent();
  std::vector<int> fired;
  const absl::Duration start = this->runtime().clock().Monotonic();
  absl::Duration end;
  executor->PostAfter(absl::Milliseconds(30), [&] {
    fired.push_back(30);
    end = this->runtime().clock().Monotonic();
    done->Set();
  });
  executor->PostAfter(absl::Milliseconds(10), [&] { fired.push_back(10); });
  executor->PostAfter(absl::Milliseconds(20), [&] { fired.push_back(20); });
  done->Wait(kNever);
  EXPECT_THAT(fired, ElementsAre(10, 20, 30));
  EXPECT_GE(end - start, absl::Milliseconds(30));
}

TYPED_TEST(RuntimeContract, TimersOfOneTimeFireInTheOrderPosted) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("ties");
  std::vector<int> fired;
  executor->PostAfter(absl::ZeroDuration(), [&] { fired.push_back(1); });
  executor->Post([&] { fired.push_back(2); });
  executor->PostAfter(-absl::Seconds(1), [&] { fired.push_back(3); });
  this->Drain(*executor);
  EXPECT_THAT(fired, ElementsAre(1, 2, 3));
}

TYPED_TEST(RuntimeContract, TimerOnlyFiresWhenItsTimeHasCome) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("later");
  bool fired = false;
  EXPECT_NE(executor->PostAfter(kNever, [&] { fired = true; }), 0u);
  EXPECT_NE(executor->PostAfter(absl::InfiniteDuration(), [&] { fired = true; }), 0u);
  this->Drain(*executor);
  executor->Stop();
  EXPECT_FALSE(fired);
}

TYPED_TEST(RuntimeContract, FarTimerDoesNotHoldUpANearerOne) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("nearer");
  executor->PostAfter(kNever, [] {});
  for (int i = 0; i < 10; ++i) {
    const std::unique_ptr<Event> fired = this->runtime().NewEvent();
    executor->PostAfter(absl::Milliseconds(1), [&] { fired->Set(); });
    EXPECT_TRUE(fired->Wait(absl::Minutes(1)));
  }
}

TYPED_TEST(RuntimeContract, CancelledTimerDoesNotFire) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("cancel");
  bool fired = false;
  const Executor::TimerId timer = executor->PostAfter(kNever, [&] { fired = true; });
  EXPECT_TRUE(executor->Cancel(timer));
  EXPECT_FALSE(executor->Cancel(timer));
  EXPECT_FALSE(executor->Cancel(0));
  EXPECT_FALSE(executor->Cancel(timer + 1000));
  executor->Stop();
  EXPECT_FALSE(fired);
}

TYPED_TEST(RuntimeContract, CancelAfterTheTimerRanIsFalse) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("ran");
  const std::unique_ptr<Event> fired = this->runtime().NewEvent();
  const Executor::TimerId timer = executor->PostAfter(absl::Milliseconds(1), [&] { fired->Set(); });
  fired->Wait(kNever);
  EXPECT_FALSE(executor->Cancel(timer));
}

// On the executor itself there is no state between "waiting" and "has run".
TYPED_TEST(RuntimeContract, CancelOnTheExecutorIsExact) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("exact");
  std::vector<std::string> ran;
  std::vector<bool> cancelled;
  executor->Post([&] {
    const Executor::TimerId due = executor->PostAfter(absl::ZeroDuration(), [&] { ran.push_back("due"); });
    const Executor::TimerId kept = executor->PostAfter(absl::ZeroDuration(), [&] { ran.push_back("kept"); });
    executor->Post([&cancelled, &executor, kept] { cancelled.push_back(executor->Cancel(kept)); });
    cancelled.push_back(executor->Cancel(due));
    cancelled.push_back(executor->Cancel(due));
  });
  this->Drain(*executor);
  this->Drain(*executor);
  EXPECT_THAT(ran, ElementsAre("kept"));
  EXPECT_THAT(cancelled, ElementsAre(true, false, false));
}

TYPED_TEST(RuntimeContract, StopRunsWhatIsQueuedAndDropsTimers) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("stop");
  int ran = 0;
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = held;
  executor->PostAfter(kNever, [held = std::move(held)] { ++*held; });
  for (int i = 0; i < 100; ++i) executor->Post([&] { ++ran; });
  executor->Stop();
  EXPECT_EQ(ran, 100);
  EXPECT_TRUE(watch.expired());
}

TYPED_TEST(RuntimeContract, AfterStopTasksAreDestroyedWithoutBeingRun) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("after");
  executor->Stop();
  executor->Stop();
  bool ran = false;
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = held;
  executor->Post([&ran, held] { ran = true; });
  EXPECT_EQ(executor->PostAfter(absl::ZeroDuration(), [&ran, held] { ran = true; }), 0u);
  held.reset();
  EXPECT_TRUE(watch.expired());
  EXPECT_FALSE(ran);
}

// Posts when it is destroyed: whoever destroys it must hold no lock.
struct Reposts {
  explicit Reposts(Executor* e) : executor(e) {}
  ~Reposts() {
    executor->Post([] {});
  }
  Executor* const executor;
};

TYPED_TEST(RuntimeContract, DroppedTasksMayPostAgain) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("reposts");
  executor->PostAfter(kNever, [held = std::make_unique<Reposts>(executor.get())] {});
  executor->Cancel(executor->PostAfter(kNever, [held = std::make_unique<Reposts>(executor.get())] {}));
  executor->Stop();
  executor->Post([held = std::make_unique<Reposts>(executor.get())] {});
  executor->PostAfter(kNever, [held = std::make_unique<Reposts>(executor.get())] {});
}

TYPED_TEST(RuntimeContract, PostsOfTasksAfterStopHasBegunAreDropped) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("last");
  int ran = 0;
  std::function<void()> again = [&] {
    ++ran;
    executor->Post([&] { again(); });
  };
  executor->Post([&] { again(); });
  executor->Stop();  // returns, although each task posts another
  EXPECT_GE(ran, 1);
}

TYPED_TEST(RuntimeContract, DestructionStops) {
  int ran = 0;
  std::unique_ptr<Executor> executor = this->NewExecutor("gone");
  for (int i = 0; i < 10; ++i) executor->Post([&] { ++ran; });
  executor.reset();
  EXPECT_EQ(ran, 10);
}

TYPED_TEST(RuntimeContract, EventWaitsUntilSet) {
  const std::unique_ptr<Executor> executor = this->NewExecutor("setter");
  const std::unique_ptr<Event> event = this->runtime().NewEvent();
  bool before = false;
  executor->Post([&] {
    before = true;
    event->Set();
  });
  event->Wait();
  EXPECT_TRUE(before);
  EXPECT_TRUE(event->Wait(absl::ZeroDuration())) << "it stays set";
  event->Set();
  EXPECT_TRUE(event->Wait(absl::InfiniteDuration()));
}

TYPED_TEST(RuntimeContract, EventTimesOut) {
  const std::unique_ptr<Event> event = this->runtime().NewEvent();
  const absl::Duration start = this->runtime().clock().Monotonic();
  EXPECT_FALSE(event->Wait(absl::Milliseconds(5)));
  EXPECT_GE(this->runtime().clock().Monotonic() - start, absl::Milliseconds(5));
  EXPECT_FALSE(event->Wait(absl::ZeroDuration()));
  event->Set();
  EXPECT_TRUE(event->Wait(absl::Milliseconds(5)));
}

TYPED_TEST(RuntimeContract, TasksMayWaitForOtherExecutors) {
  const std::unique_ptr<Executor> a = this->NewExecutor("waits");
  const std::unique_ptr<Executor> b = this->NewExecutor("works");
  const std::unique_ptr<Event> all = this->runtime().NewEvent();
  std::vector<std::string> steps;
  a->Post([&] {
    const std::unique_ptr<Event> one = this->runtime().NewEvent();
    b->Post([&] {
      steps.push_back(b->IsCurrent() && !a->IsCurrent() ? "b" : "wrong executor");
      one->Set();
    });
    one->Wait(kNever);
    steps.push_back(a->IsCurrent() ? "a" : "wrong executor");
    all->Set();
  });
  all->Wait(kNever);
  EXPECT_THAT(steps, ElementsAre("b", "a"));
}

TYPED_TEST(RuntimeContract, MonotonicClockNeverGoesBack) {
  absl::Duration last = this->runtime().clock().Monotonic();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = this->runtime().clock().Monotonic();
    ASSERT_GE(now, last);
    last = now;
  }
  EXPECT_GT(this->runtime().clock().WallMs(), 1'600'000'000'000);
}

}  // namespace
}  // namespace leat
