#include "tests/support/sim_runtime.h"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace leat {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Outcome {
  uint64_t hash;
  uint64_t tasks;
  std::vector<std::string> order;
};

// Three executors that post to each other and set timers.
Outcome RunProgram(uint64_t seed) {
  SimRuntime runtime(seed);
  std::vector<std::unique_ptr<Executor>> executors;
  for (const char* name : {"a", "b", "c"}) executors.push_back(runtime.NewExecutor(name));
  Outcome run;
  std::function<void(int, int)> work = [&](int who, int depth) {
    run.order.push_back(std::string(1, static_cast<char>('a' + who)) + std::to_string(depth));
    if (depth == 0) return;
    executors[(who + 1) % 3]->Post([&work, who, depth] { work((who + 1) % 3, depth - 1); });
    executors[who]->PostAfter(absl::Milliseconds(depth), [&work, who, depth] { work(who, depth - 1); });
  };
  for (int who = 0; who < 3; ++who) executors[who]->Post([&work, who] { work(who, 4); });
  while (runtime.Step()) {
  }
  run.hash = runtime.trace_hash();
  run.tasks = runtime.tasks_run();
  return run;
}

TEST(SimRuntimeTest, EqualSeedsGiveEqualRuns) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Outcome first = RunProgram(seed), second = RunProgram(seed);
    EXPECT_EQ(first.hash, second.hash);
    EXPECT_EQ(first.order, second.order);
    EXPECT_EQ(first.tasks, 3u * 31);  // nothing is lost: a binary tree of depth 4 from each executor
  }
}

TEST(SimRuntimeTest, OtherSeedsUsuallyGiveOtherRuns) {
  std::set<uint64_t> hashes;
  std::set<std::vector<std::string>> orders;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Outcome run = RunProgram(seed);
    hashes.insert(run.hash);
    orders.insert(run.order);
  }
  EXPECT_GT(orders.size(), 90u);
  EXPECT_EQ(hashes.size(), orders.size()) << "the hash tells runs apart";
}

TEST(SimRuntimeTest, NothingHappensByItself) {
  SimRuntime runtime(1);
  const std::unique_ptr<Executor> executor = runtime.NewExecutor("a");
  std::vector<std::string> ran;
  executor->Post([&] { ran.push_back("task"); });
  executor->PostAfter(absl::Seconds(2), [&] { ran.push_back("timer"); });
  EXPECT_THAT(ran, IsEmpty());
  runtime.RunUntilIdle();
  EXPECT_THAT(ran, ElementsAre("task"));
  EXPECT_EQ(runtime.clock().Monotonic(), absl::ZeroDuration());
  runtime.RunFor(absl::Seconds(1));
  EXPECT_THAT(ran, ElementsAre("task"));
  EXPECT_EQ(runtime.clock().Monotonic(), absl::Seconds(1));
  EXPECT_TRUE(runtime.Step());
  EXPECT_THAT(ran, ElementsAre("task", "timer"));
  EXPECT_EQ(runtime.clock().Monotonic(), absl::Seconds(2));
  EXPECT_FALSE(runtime.Step());
}

TEST(SimRuntimeTest, RunForTakesTimersOnItsWayAtTheirTimes) {
  SimRuntime runtime(1);
  const std::unique_ptr<Executor> executor = runtime.NewExecutor("a");
  std::vector<int64_t> seconds;
  std::function<void()> tick = [&] {
    seconds.push_back(absl::ToInt64Seconds(runtime.clock().Monotonic()));
    executor->PostAfter(absl::Seconds(1), [&] { tick(); });
  };
  executor->PostAfter(absl::Seconds(1), [&] { tick(); });
  runtime.RunFor(absl::Seconds(3));
  EXPECT_THAT(seconds, ElementsAre(1, 2, 3));
  const int64_t wall_ms = runtime.clock().WallMs();
  EXPECT_EQ(wall_ms, ManualClock::kStartWallMs + 3000);
}

TEST(SimRuntimeTest, AHundredYearsTakeNoTime) {
  SimRuntime runtime(1);
  const std::unique_ptr<Event> event = runtime.NewEvent();
  EXPECT_FALSE(event->Wait(absl::Hours(24 * 365 * 100)));
  EXPECT_EQ(runtime.clock().Monotonic(), absl::Hours(24 * 365 * 100));
}

TEST(SimRuntimeTest, WaitRunsOthersButNotItsOwnExecutor) {
  SimRuntime runtime(3);
  const std::unique_ptr<Executor> a = runtime.NewExecutor("a");
  const std::unique_ptr<Executor> b = runtime.NewExecutor("b");
  std::vector<std::string> ran;
  a->Post([&] {
    const std::unique_ptr<Event> event = runtime.NewEvent();
    a->Post([&] { ran.push_back("a later"); });
    a->PostAfter(absl::Seconds(1), [&] { ran.push_back("a timer"); });
    b->PostAfter(absl::Seconds(5), [&] {
      ran.push_back("b");
      event->Set();
    });
    EXPECT_TRUE(event->Wait(absl::InfiniteDuration()));
    ran.push_back("a");
  });
  while (runtime.Step()) {
  }
  EXPECT_THAT(ran, ElementsAre("b", "a", "a later", "a timer"));
}

TEST(SimRuntimeDeathTest, DeadlockIsNamed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        SimRuntime runtime(1);
        runtime.NewEvent()->Wait(absl::InfiniteDuration());
      },
      "deadlock");
}

TEST(ManualClockTest, GoesOnOnlyWhenTold) {
  ManualClock clock;
  EXPECT_EQ(clock.Monotonic(), absl::ZeroDuration());
  EXPECT_EQ(clock.WallMs(), ManualClock::kStartWallMs);
  clock.Advance(absl::Milliseconds(1500));
  EXPECT_EQ(clock.Monotonic(), absl::Milliseconds(1500));
  EXPECT_EQ(clock.WallMs(), ManualClock::kStartWallMs + 1500);
  clock.SetWallMs(5);
  EXPECT_EQ(clock.WallMs(), 5);
  EXPECT_EQ(clock.Monotonic(), absl::Milliseconds(1500));
  clock.Advance(absl::Milliseconds(1));
  EXPECT_EQ(clock.WallMs(), 6);
}

}  // namespace
}  // namespace leat
