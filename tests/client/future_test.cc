#include "client/future.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/task.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using Result = absl::StatusOr<int>;

TEST(FutureTest, GivesWhatThePromiseSet) {
  Promise<Result> promise;
  Future<Result> future = promise.GetFuture();
  EXPECT_TRUE(future.valid());
  EXPECT_FALSE(future.ready());
  EXPECT_FALSE(future.Wait(absl::Milliseconds(1)));
  promise.Set(7);
  EXPECT_TRUE(future.ready());
  EXPECT_TRUE(future.Wait(absl::ZeroDuration()));
  EXPECT_THAT(future.Get(), IsOkAndHolds(7));
  EXPECT_FALSE(future.valid());
}

TEST(FutureTest, WaitsForAnotherThread) {
  Promise<Result> promise;
  Future<Result> future = promise.GetFuture();
  std::thread thread([promise = std::move(promise)]() mutable { promise.Set(8); });
  EXPECT_THAT(future.Get(), IsOkAndHolds(8));
  thread.join();
}

TEST(FutureTest, RunsTheCallbackOnce) {
  int sum = 0;
  Promise<Result> promise;
  promise.GetFuture().Then([&sum](Result result) { sum += *result; });
  EXPECT_EQ(sum, 0);
  promise.Set(3);
  EXPECT_EQ(sum, 3);
  Future<Result>::Of(4).Then([&sum](Result result) { sum += *result; });
  EXPECT_EQ(sum, 7);
}

TEST(FutureTest, AnAbandonedPromiseLeavesNobodyWaiting) {
  Future<Result> future;
  {
    Promise<Result> promise;
    future = promise.GetFuture();
  }
  EXPECT_THAT(future.Get(), StatusIs(ErrorCode::kShuttingDown));
  Promise<Result> promise;
  future = promise.GetFuture();
  promise = Promise<Result>();
  EXPECT_THAT(future.Get(), StatusIs(ErrorCode::kShuttingDown));
}

TEST(FutureTest, CarriesWhatCannotBeCopied) {
  using Owned = absl::StatusOr<std::unique_ptr<int>>;
  Promise<Owned> promise;
  Future<Owned> future = promise.GetFuture();
  promise.Set(std::make_unique<int>(5));
  Owned owned = future.Get();
  EXPECT_EQ(**owned, 5);
}

Task<Result> AddTwo(Future<Result> a, Future<Result> b) {
  Result first = co_await std::move(a);
  if (!first.ok()) co_return first;
  Result second = co_await std::move(b);
  if (!second.ok()) co_return second;
  co_return *first + *second;
}

Task<Result> AddFour(Task<Result> a, Task<Result> b) {
  Result first = co_await std::move(a);
  Result second = co_await std::move(b);
  co_return *first + *second;
}

TEST(TaskTest, AwaitsFuturesAndTasks) {
  Promise<Result> late;
  Future<Result> sum = Start(AddFour(AddTwo(Future<Result>::Of(1), late.GetFuture()),
                                     AddTwo(Future<Result>::Of(30), Future<Result>::Of(400))));
  EXPECT_FALSE(sum.ready());
  late.Set(2000);
  EXPECT_THAT(sum.Get(), IsOkAndHolds(2431));
}

TEST(TaskTest, HandsErrorsOn) {
  const Result result =
      SyncWait(AddTwo(Future<Result>::Of(MakeError(ErrorCode::kDiskFull, "full")), Future<Result>::Of(1)));
  EXPECT_THAT(result, StatusIs(ErrorCode::kDiskFull));
}

TEST(TaskTest, SyncWaitBlocksUntilAnotherThreadIsDone) {
  Promise<Result> promise;
  Future<Result> future = promise.GetFuture();
  std::thread thread([promise = std::move(promise)]() mutable { promise.Set(1); });
  EXPECT_THAT(SyncWait(AddTwo(std::move(future), Future<Result>::Of(2))), IsOkAndHolds(3));
  thread.join();
}

TEST(TaskTest, ATaskThatIsNotAwaitedDoesNothing) {
  Promise<Result> promise;
  { const Task<Result> dropped = AddTwo(promise.GetFuture(), Future<Result>::Of(2)); }
  promise.Set(1);
}

TEST(WhenAllTest, KeepsTheOrder) {
  std::vector<Promise<Result>> promises(3);
  std::vector<Future<Result>> futures;
  for (Promise<Result>& promise : promises) futures.push_back(promise.GetFuture());
  Future<std::vector<Result>> all = WhenAll(std::move(futures));
  promises[2].Set(2);
  promises[0].Set(0);
  EXPECT_FALSE(all.ready());
  promises[1].Set(MakeError(ErrorCode::kDiskFull, "full"));
  const std::vector<Result> results = all.Get();
  ASSERT_EQ(results.size(), 3u);
  EXPECT_THAT(results[0], IsOkAndHolds(0));
  EXPECT_THAT(results[1], StatusIs(ErrorCode::kDiskFull));
  EXPECT_THAT(results[2], IsOkAndHolds(2));
}

TEST(WhenAllTest, OfNothingIsReady) { EXPECT_TRUE(WhenAll(std::vector<Future<Result>>()).Get().empty()); }

TEST(WhenAllTest, CompletesFromManyThreads) {
  std::vector<Promise<Result>> promises(64);
  std::vector<Future<Result>> futures;
  for (Promise<Result>& promise : promises) futures.push_back(promise.GetFuture());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&promises, t] {
      for (size_t i = t; i < promises.size(); i += 4) promises[i].Set(static_cast<int>(i));
    });
  }
  const std::vector<Result> results = WhenAll(std::move(futures)).Get();
  for (size_t i = 0; i < results.size(); ++i) EXPECT_THAT(results[i], IsOkAndHolds(static_cast<int>(i)));
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace leat
