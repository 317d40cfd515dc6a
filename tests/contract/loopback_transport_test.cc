#include "tests/support/loopback_transport.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "storage/env/executor.h"
#include "tests/protocol/wire/transport_test_util.h"
#include "tests/support/sim_runtime.h"
#include "tests/support/status_matchers.h"

// What only the loopback can do; transport_contract_test.cc has what every transport does.

namespace leat {
namespace {

// The sizes in which 50,000 bytes reach the other end.
std::vector<size_t> Pieces(uint64_t seed) {
  SimRuntime runtime(1);
  const auto left_executor = runtime.NewExecutor("left");
  const auto right_executor = runtime.NewExecutor("right");
  LoopbackOptions options;
  options.seed = seed;
  options.delay_max = absl::Milliseconds(1);
  const Loopback loopback = NewLoopback(*left_executor, *right_executor, options);
  std::vector<size_t> sizes;
  RecordingHandler left;
  RecordingHandler right;
  right.on_data = [&](absl::Span<char> data) {
    sizes.push_back(data.size());
    return Transport::ReadResult{data.size(), 0};
  };
  loopback.left->Start(&left);
  loopback.right->Start(&right);
  loopback.left->Send(FrameOf(Pattern(50'000)));
  loopback.left->Close(absl::OkStatus(), true);
  while (!(left.closed && right.closed) && runtime.Step()) {
  }
  return sizes;
}

TEST(LoopbackTransportTest, TheSeedDecidesHowBytesAreCut) {
  const std::vector<size_t> first = Pieces(1);
  EXPECT_GT(first.size(), 40u);
  EXPECT_EQ(Pieces(1), first);
  EXPECT_NE(Pieces(2), first);
}

TEST(LoopbackTransportTest, ACutEndsBothSidesAndReleasesEverything) {
  SimRuntime runtime(1);
  const auto left_executor = runtime.NewExecutor("left");
  const auto right_executor = runtime.NewExecutor("right");
  const Loopback loopback = NewLoopback(*left_executor, *right_executor);
  RecordingHandler left;
  RecordingHandler right;
  loopback.left->Start(&left);
  loopback.right->Start(&right);
  int released = 0;
  for (int i = 0; i < 100; ++i) loopback.left->Send(FrameOf(Pattern(10'000), "", &released));
  for (int i = 0; i < 20; ++i) runtime.Step();
  loopback.cut();
  runtime.RunUntilIdle();
  EXPECT_THAT(*left.closed, StatusIs(ErrorCode::kUnavailable));
  EXPECT_THAT(*right.closed, StatusIs(ErrorCode::kUnavailable));
  EXPECT_EQ(left.closed_calls + right.closed_calls, 2);
  EXPECT_EQ(released, 100);
  EXPECT_LT(right.received.size(), 1'000'000u);
}

TEST(LoopbackTransportTest, EndsInDifferentThreads) {
  const std::unique_ptr<Runtime> runtime = NewThreadRuntime();
  const auto left_executor = runtime->NewExecutor("left");
  const auto right_executor = runtime->NewExecutor("right");
  const auto left_closed = runtime->NewEvent();
  const auto right_closed = runtime->NewEvent();
  RecordingHandler left;
  RecordingHandler right;
  left.on_closed = [&] { left_closed->Set(); };
  right.on_closed = [&] { right_closed->Set(); };
  Loopback loopback = NewLoopback(*left_executor, *right_executor);
  right_executor->Post([&] { loopback.right->Start(&right); });
  left_executor->Post([&] {
    loopback.left->Start(&left);
    for (unsigned i = 0; i < 100; ++i) loopback.left->Send(FrameOf(Pattern(3000, i)));
    loopback.left->Close(absl::OkStatus(), true);
  });
  EXPECT_TRUE(left_closed->Wait(absl::Seconds(20)));
  EXPECT_TRUE(right_closed->Wait(absl::Seconds(20)));
  left_executor->Stop();
  right_executor->Stop();
  std::string expected;
  for (unsigned i = 0; i < 100; ++i) expected += Pattern(3000, i);
  EXPECT_TRUE(right.received == expected);
}

}  // namespace
}  // namespace leat
