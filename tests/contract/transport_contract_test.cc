#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/protocol/wire/transport_test_util.h"
#include "tests/support/loopback_transport.h"
#include "tests/support/sim_runtime.h"
#include "tests/support/status_matchers.h"

// What every Transport promises, see protocol/wire/transport.h. The same tests run over sockets and over the
// loopback that stands for them in simulations.

namespace leat {
namespace {

struct LoopbackPair {
  LoopbackPair() {
    LoopbackOptions options;
    options.piece_bytes_max = 3000;
    options.delay_max = absl::Microseconds(100);
    Loopback loopback = NewLoopback(*left_executor, *right_executor, options);
    left = std::move(loopback.left);
    right = std::move(loopback.right);
  }
  ~LoopbackPair() {
    left.reset();
    right.reset();
  }
  void Start() {
    left->Start(&left_handler);
    right->Start(&right_handler);
  }
  bool RunUntil(const std::function<bool()>& done) {
    while (!done()) {
      if (!runtime.Step()) return false;
    }
    return true;
  }
  void RunSome() { runtime.RunFor(absl::Milliseconds(500)); }

  SimRuntime runtime{7};
  RecordingHandler left_handler;
  RecordingHandler right_handler;
  std::unique_ptr<Executor> left_executor = runtime.NewExecutor("left");
  std::unique_ptr<Executor> right_executor = runtime.NewExecutor("right");
  std::shared_ptr<Transport> left;
  std::shared_ptr<Transport> right;
};

template <typename Pair>
class TransportContractTest : public ::testing::Test {
 protected:
  ~TransportContractTest() override {
    for (const auto& end : {pair_.left, pair_.right})
      end->Close(absl::CancelledError("end of the test"), false);
    pair_.RunSome();
  }
  void Start() { pair_.Start(); }
  bool RunUntil(const std::function<bool()>& done) { return pair_.RunUntil(done); }
  // Whether the right end gets `bytes` in all.
  bool RightGets(size_t bytes) {
    return RunUntil([this, bytes] { return pair_.right_handler.received.size() >= bytes; });
  }
  bool BothClosed() {
    return RunUntil([this] { return pair_.left_handler.closed && pair_.right_handler.closed; });
  }

  Pair pair_;
};

using Pairs = ::testing::Types<TcpPair, LoopbackPair>;
TYPED_TEST_SUITE(TransportContractTest, Pairs);

TYPED_TEST(TransportContractTest, FramesArriveWholeAndInOrderBothWays) {
  auto& pair = this->pair_;
  this->Start();
  std::string to_right;
  std::string to_left;
  int released = 0;
  for (unsigned i = 0; i < 300; ++i) {
    const std::string head = Pattern(i % 40, i);
    const std::string body = Pattern(i * 37 % 5000, i + 1000);
    to_right += head + body;
    to_left += body;
    pair.left->Send(FrameOf(head, body, &released));
    pair.right->Send(FrameOf("", body, &released));
  }
  ASSERT_TRUE(this->RunUntil([&] {
    return pair.right_handler.received.size() == to_right.size() &&
           pair.left_handler.received.size() == to_left.size() && released == 600;
  }));
  EXPECT_TRUE(pair.right_handler.received == to_right);
  EXPECT_TRUE(pair.left_handler.received == to_left);
  EXPECT_EQ(pair.left->queued_bytes(), 0u);
  EXPECT_EQ(pair.right->queued_bytes(), 0u);
}

TYPED_TEST(TransportContractTest, RangesFollowHeadAndBody) {
  auto& pair = this->pair_;
  this->Start();
  const std::string bytes = Pattern(700'000);
  const auto source = std::make_shared<StringSource>(bytes);
  int released = 0;
  OutFrame frame = FrameOf("head", "body", &released);
  frame.ranges = {{source, 0, 600'000}, {source, 5, 0}, {source, 699'990, 10}};
  EXPECT_EQ(frame.total_bytes(), 600'018u);
  pair.left->Send(std::move(frame));
  OutFrame only_range = FrameOf("", "", &released);
  only_range.ranges = {{source, 1, 3}};
  pair.left->Send(std::move(only_range));
  pair.left->Send(FrameOf("", "", &released));
  pair.left->Send(FrameOf("after", "", &released));
  EXPECT_EQ(pair.left->queued_bytes(), 600'026u);
  ASSERT_TRUE(this->RightGets(600'026));
  EXPECT_TRUE(pair.right_handler.received ==
              "headbody" + bytes.substr(0, 600'000) + bytes.substr(699'990) + bytes.substr(1, 3) + "after");
  EXPECT_TRUE(this->RunUntil([&] { return released == 4; }));
}

TYPED_TEST(TransportContractTest, HandlerIsCalledOnlyWhenWhatItWantsIsThere) {
  auto& pair = this->pair_;
  size_t asked = 0;
  pair.right_handler.on_data = [&](absl::Span<char> data) -> Transport::ReadResult {
    EXPECT_GE(data.size(), asked);
    asked = data.size() < 4000 ? 4000 : 0;
    if (asked > 0) return {0, asked};
    pair.right_handler.received.append(data.data(), 4000);
    return {4000, 0};
  };
  this->Start();
  const std::string bytes = Pattern(20'000);
  for (size_t i = 0; i < bytes.size(); i += 500) {
    pair.left->Send(FrameOf(bytes.substr(i, 500)));
    pair.RunSome();
  }
  ASSERT_TRUE(this->RightGets(20'000));
  EXPECT_TRUE(pair.right_handler.received == bytes);
  EXPECT_LE(pair.right_handler.calls, 10);  // five frames, each at most announced once and offered once
}

TYPED_TEST(TransportContractTest, PartlyConsumedBytesAreOfferedAgainWithMore) {
  auto& pair = this->pair_;
  pair.right_handler.on_data = [&](absl::Span<char> data) {
    const size_t consumed = (data.size() + 1) / 2;
    pair.right_handler.received.append(data.data(), consumed);
    return Transport::ReadResult{consumed, 0};
  };
  this->Start();
  const std::string bytes = Pattern(5000);
  for (size_t i = 0; i < bytes.size(); i += 500) pair.left->Send(FrameOf(bytes.substr(i, 500)));
  ASSERT_TRUE(this->RightGets(5000));
  EXPECT_TRUE(pair.right_handler.received == bytes);
}

TYPED_TEST(TransportContractTest, TheBufferMayBeWrittenTo) {
  auto& pair = this->pair_;
  bool written = false;
  pair.right_handler.on_data = [&](absl::Span<char> data) -> Transport::ReadResult {
    if (data.size() < 6) return {0, 6};
    if (!std::exchange(written, true)) {
      data[5] = 'X';
      return {3, 3};
    }
    pair.right_handler.received.assign(data.data(), data.size());
    return {data.size(), 0};
  };
  this->Start();
  pair.left->Send(FrameOf("abcdef"));
  pair.left->Send(FrameOf("ghi"));
  ASSERT_TRUE(this->RunUntil([&] { return !pair.right_handler.received.empty(); }));
  EXPECT_EQ(pair.right_handler.received.substr(0, 3), "deX");
}

TYPED_TEST(TransportContractTest, WhileNotReadingNothingIsDeliveredAndTheSenderIsHeldUp) {
  auto& pair = this->pair_;
  pair.right->SetReading(false);
  this->Start();
  const std::string frame = Pattern(1024 * 1024);
  int released = 0;
  for (int i = 0; i < 24; ++i) pair.left->Send(FrameOf(frame, "", &released));
  pair.RunSome();
  EXPECT_EQ(pair.right_handler.calls, 0);
  EXPECT_LT(released, 24);
  EXPECT_GT(pair.left->queued_bytes(), 0u);
  pair.right->SetReading(true);
  ASSERT_TRUE(this->RightGets(24 * frame.size()));
  ASSERT_TRUE(this->RunUntil([&] { return released == 24; }));
  for (size_t i = 0; i < 24; ++i)
    EXPECT_TRUE(pair.right_handler.received.compare(i * frame.size(), frame.size(), frame) == 0);
}

TYPED_TEST(TransportContractTest, PausingInsideACallHoldsAndResumingOffersAgain) {
  auto& pair = this->pair_;
  pair.right_handler.on_data = [&](absl::Span<char> data) -> Transport::ReadResult {
    if (data.size() < 10) return {0, 10};
    pair.right->SetReading(false);
    pair.right_handler.received.append(data.data(), 1);
    return {1, 1000};
  };
  this->Start();
  pair.left->Send(FrameOf("0123456789"));
  ASSERT_TRUE(this->RightGets(1));
  pair.RunSome();
  const int calls = pair.right_handler.calls;
  pair.right_handler.on_data = nullptr;
  pair.right->SetReading(true);
  EXPECT_EQ(pair.right_handler.calls, calls);  // not inside the call
  ASSERT_TRUE(this->RightGets(10));            // without anything new
  pair.left->Send(FrameOf("abc"));
  ASSERT_TRUE(this->RightGets(13));
  EXPECT_EQ(pair.right_handler.received, "0123456789abc");
}

TYPED_TEST(TransportContractTest, CloseWithFlushDeliversEverythingFirst) {
  auto& pair = this->pair_;
  this->Start();
  const std::string bytes = Pattern(3'000'000);
  int released = 0;
  pair.left->Send(FrameOf("head", bytes, &released));
  pair.left->Close(absl::CancelledError("done"), true);
  EXPECT_FALSE(pair.left_handler.closed);
  int late = 0;
  pair.left->Send(FrameOf("late", "", &late));
  EXPECT_EQ(late, 1);
  ASSERT_TRUE(this->BothClosed());
  EXPECT_TRUE(pair.right_handler.received == "head" + bytes);
  EXPECT_EQ(released, 1);
  EXPECT_TRUE(absl::IsCancelled(*pair.left_handler.closed));
  EXPECT_THAT(*pair.right_handler.closed, IsOk());
}

TYPED_TEST(TransportContractTest, CloseWithoutFlushEndsAtOnce) {
  auto& pair = this->pair_;
  pair.right->SetReading(false);
  this->Start();
  int released = 0;
  for (int i = 0; i < 40; ++i) pair.left->Send(FrameOf(Pattern(1024 * 1024), "", &released));
  pair.RunSome();
  pair.left->Close(absl::CancelledError("stop"), false);
  EXPECT_FALSE(pair.left_handler.closed);  // never inside the call
  ASSERT_TRUE(this->RunUntil([&] { return pair.left_handler.closed.has_value(); }));
  EXPECT_TRUE(absl::IsCancelled(*pair.left_handler.closed));
  EXPECT_EQ(released, 40);
  pair.right->SetReading(true);
  ASSERT_TRUE(this->BothClosed());
  EXPECT_LT(pair.right_handler.received.size(), 40u * 1024 * 1024);
}

TYPED_TEST(TransportContractTest, AfterTheEndFramesAreOnlyReleased) {
  auto& pair = this->pair_;
  this->Start();
  pair.right->Close(absl::OkStatus(), false);
  ASSERT_TRUE(this->BothClosed());
  int released = 0;
  pair.left->Send(FrameOf("x", "", &released));
  EXPECT_EQ(released, 1);
  pair.left->Close(absl::CancelledError("again"), true);
  pair.left->SetReading(false);
  pair.left->SetReading(true);
  pair.RunSome();
  EXPECT_EQ(pair.left_handler.closed_calls, 1);
  EXPECT_EQ(pair.right_handler.closed_calls, 1);
}

TYPED_TEST(TransportContractTest, CloseInsideACallbackStopsTheCalls) {
  auto& pair = this->pair_;
  pair.right_handler.on_data = [&](absl::Span<char>) -> Transport::ReadResult {
    pair.right->Close(absl::CancelledError("enough"), false);
    EXPECT_FALSE(pair.right_handler.closed);
    return {1, 0};
  };
  this->Start();
  pair.left->Send(FrameOf(Pattern(100'000)));
  ASSERT_TRUE(this->RunUntil([&] { return pair.right_handler.closed.has_value(); }));
  EXPECT_EQ(pair.right_handler.calls, 1);
}

TYPED_TEST(TransportContractTest, AReleaseMaySendMoreOrCloseTheConnection) {
  auto& pair = this->pair_;
  this->Start();
  OutFrame first = FrameOf("first ");
  first.on_released = [&] {
    OutFrame second = FrameOf("second");
    second.on_released = [&] { pair.left->Close(absl::CancelledError("all sent"), true); };
    pair.left->Send(std::move(second));
  };
  pair.left->Send(std::move(first));
  ASSERT_TRUE(this->BothClosed());
  EXPECT_EQ(pair.right_handler.received, "first second");
}

TYPED_TEST(TransportContractTest, ACutFrameIsNotAnOrderlyEnd) {
  auto& pair = this->pair_;
  pair.right_handler.on_data = [&](absl::Span<char>) { return Transport::ReadResult{0, 100}; };
  this->Start();
  pair.left->Send(FrameOf("half a frame"));
  pair.left->Close(absl::CancelledError("cut"), true);
  ASSERT_TRUE(this->BothClosed());
  EXPECT_THAT(*pair.right_handler.closed, StatusIs(ErrorCode::kInvalidRequest));
}

TYPED_TEST(TransportContractTest, AFailingSourceEndsTheConnection) {
  auto& pair = this->pair_;
  this->Start();
  int released = 0;
  OutFrame frame = FrameOf("head", "", &released);
  frame.ranges = {{std::make_shared<StringSource>("short"), 0, 10}};
  pair.left->Send(std::move(frame));
  pair.left->Send(FrameOf("never sent", "", &released));
  ASSERT_TRUE(this->BothClosed());
  EXPECT_THAT(*pair.left_handler.closed, StatusIs(ErrorCode::kStorageError));
  EXPECT_EQ(released, 2);
  EXPECT_EQ(pair.right_handler.received.find("never"), std::string::npos);
}

TYPED_TEST(TransportContractTest, AFrameAboveTheBufferEndsTheConnection) {
  auto& pair = this->pair_;
  pair.right_handler.on_data = [&](absl::Span<char>) { return Transport::ReadResult{0, size_t{1} << 40}; };
  this->Start();
  for (int i = 0; i < 10; ++i) pair.left->Send(FrameOf(Pattern(1024 * 1024)));
  ASSERT_TRUE(this->BothClosed());
  EXPECT_THAT(*pair.right_handler.closed, StatusIs(ErrorCode::kFrameTooLarge));
}

TYPED_TEST(TransportContractTest, PeerIsNamed) {
  EXPECT_NE(this->pair_.left->peer().find(':'), std::string::npos);
}

}  // namespace
}  // namespace leat
