// What sessions do with good and bad bytes.

#include <cstdint>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "protocol/wire/frame.h"
#include "tests/broker/broker_harness.h"
#include "tests/support/batch_factory.h"

namespace leat {
namespace {

using ::testing::HasSubstr;

int32_t Number(ErrorCode code) { return static_cast<int32_t>(code); }

// Of the last reply.
const wire::Error& LastError(const TestClient& client) { return client.replies().back().header.error(); }

wire::RequestHeader ServerInfo() {
  wire::RequestHeader request;
  request.mutable_server_info();
  return request;
}

std::string Prefix(uint32_t rest, uint32_t header) {
  std::string prefix = "LEAT";
  for (const uint32_t number : {rest, header}) {
    for (int shift = 24; shift >= 0; shift -= 8) prefix += static_cast<char>(number >> shift);
  }
  return prefix;
}

TEST(SessionTest, HelloTellsVersionDataIdAndLimits) {
  BrokerHarness harness;
  TestClient& client = harness.Connect();
  const TestReply reply = harness.Call(client, HelloRequest(1, 7));
  EXPECT_EQ(reply.header.hello().version(), 1u);
  EXPECT_EQ(reply.header.hello().data_id(), harness.store().data_id());
  EXPECT_EQ(reply.header.hello().server_version(), "0.1.0");
  EXPECT_EQ(reply.header.hello().limits().frame_bytes_max(), 32u << 20);
  EXPECT_EQ(reply.header.hello().limits().batch_bytes_max(), 4u << 20);
}

TEST(SessionTest, HelloWithoutCommonVersionIsAnsweredAndClosed) {
  BrokerHarness harness;
  TestClient& client = harness.Connect();
  const TestReply reply = harness.Call(client, HelloRequest(2, 9));
  EXPECT_EQ(reply.header.error().code(), Number(ErrorCode::kUnsupportedVersion));
  EXPECT_TRUE(client.closed());
}

TEST(SessionTest, SecondHelloIsAnError) {
  BrokerHarness harness;
  TestClient& client = harness.ConnectReady();
  EXPECT_EQ(harness.Call(client, HelloRequest()).header.error().code(), Number(ErrorCode::kInvalidRequest));
  EXPECT_FALSE(client.closed());
}

TEST(SessionTest, AnythingBeforeHelloIsRefused) {
  BrokerHarness harness;
  TestClient& client = harness.Connect();
  const TestReply reply = harness.Call(client, ServerInfo());
  EXPECT_EQ(reply.header.error().code(), Number(ErrorCode::kNotReady));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(harness.metrics().closed[static_cast<size_t>(CloseReason::kHello)].value(), 1);
}

TEST(SessionTest, GarbageIsClosedCountedAndOthersGoOn) {
  BrokerHarness harness;
  TestClient& good = harness.ConnectReady();
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("\x16\x03\x01\x02\x00", 5), std::string(64, '\0'),
        std::string("LEAU"), std::string(100'000, 'x')}) {
    TestClient& client = harness.Connect();
    client.SendRaw(garbage);
    harness.Run();
    EXPECT_TRUE(client.closed());
  }
  EXPECT_EQ(harness.metrics().bad_frames.value(), 5);
  EXPECT_EQ(harness.metrics().closed[static_cast<size_t>(CloseReason::kBadFrame)].value(), 5);
  EXPECT_EQ(harness.Call(good, ServerInfo()).header.error().code(), 0);
}

TEST(SessionTest, DeclaredSizesCostNothing) {
  BrokerHarness harness;
  TestClient& ready = harness.ConnectReady();
  ready.SendRaw(Prefix(0xFFFFFFFF, 10));
  harness.Run();
  EXPECT_EQ(LastError(ready).code(), Number(ErrorCode::kFrameTooLarge));
  EXPECT_TRUE(ready.closed());

  // Within the limit: waits for the bytes, having taken next to nothing.
  TestClient& waiting = harness.ConnectReady();
  waiting.SendRaw(Prefix(31 << 20, 10));
  harness.Run();
  EXPECT_FALSE(waiting.closed());
  EXPECT_LE(harness.broker().memory().used(), 512 * 1024);
}

TEST(SessionTest, FirstFrameIsSmall) {
  BrokerHarness harness;
  TestClient& client = harness.Connect();
  client.SendRaw(Prefix(8 * 1024, 10));
  harness.Run();
  EXPECT_EQ(LastError(client).code(), Number(ErrorCode::kFrameTooLarge));
  EXPECT_TRUE(client.closed());
}

TEST(SessionTest, HeaderThatIsNoProtobufCloses) {
  BrokerHarness harness;
  TestClient& client = harness.ConnectReady();
  client.SendRaw(Prefix(4, 4) + "\xff\xff\xff\xff");
  harness.Run();
  EXPECT_EQ(LastError(client).code(), Number(ErrorCode::kInvalidRequest));
  EXPECT_TRUE(client.closed());
}

TEST(SessionTest, HeaderLongerThanItsFrameCloses) {
  BrokerHarness harness;
  TestClient& client = harness.ConnectReady();
  client.SendRaw(Prefix(4, 5) + "abcd");
  harness.Run();
  EXPECT_EQ(LastError(client).code(), Number(ErrorCode::kInvalidRequest));
  EXPECT_TRUE(client.closed());
}

TEST(SessionTest, UnknownRequestIsAnsweredAndTheConnectionKept) {
  BrokerHarness harness;
  TestClient& client = harness.ConnectReady();
  wire::RequestHeader nothing;
  EXPECT_EQ(harness.Call(client, nothing).header.error().code(), Number(ErrorCode::kInvalidRequest));
  EXPECT_FALSE(client.closed());
}

TEST(SessionTest, PayloadWhereNoneBelongsIsAnError) {
  BrokerHarness harness;
  TestClient& client = harness.ConnectReady();
  EXPECT_EQ(harness.Call(client, ServerInfo(), "bytes").header.error().code(),
            Number(ErrorCode::kInvalidRequest));
  EXPECT_FALSE(client.closed());
}

TEST(SessionTest, FramesOneByteAtATime) {
  LoopbackOptions options;
  options.piece_bytes_max = 1;
  BrokerHarness harness;
  harness.MakeTopic("t");
  TestClient& client = harness.ConnectReady(options);
  const std::string batch = MakeValueBatch({"a", "b"});
  const TestReply reply =
      harness.Call(client, Produce("t", wire::ACK_WRITTEN, {static_cast<uint32_t>(batch.size())}), batch);
  EXPECT_EQ(reply.header.produce().results(0).error().code(), 0);
  EXPECT_EQ(harness.store().Partition("t", 0).marks().end, 2);
}

TEST(SessionTest, ManyFramesInOnePiece) {
  LoopbackOptions options;
  options.piece_bytes_max = 1 << 20;
  BrokerHarness harness;
  TestClient& client = harness.ConnectReady(options);
  std::string frames;
  for (int i = 0; i < 100; ++i) {
    wire::RequestHeader request = ServerInfo();
    request.set_correlation_id(1000 + static_cast<uint64_t>(i));
    frames += TestClient::Encode(request, "");
  }
  client.SendRaw(frames);
  harness.Run();
  for (uint64_t i = 0; i < 100; ++i) EXPECT_NE(client.Find(1000 + i), nullptr);
}

// A produce frame cut at every byte: nothing is appended unless it is whole, and nobody else notices.
TEST(SessionTest, FrameCutAnywhereHasNoEffect) {
  BrokerHarness harness;
  harness.MakeTopic("t");
  TestClient& other = harness.ConnectReady();
  const std::string batch = MakeValueBatch({"value"});
  wire::RequestHeader request = Produce("t", wire::ACK_WRITTEN, {static_cast<uint32_t>(batch.size())});
  request.set_correlation_id(9);
  const std::string frame = TestClient::Encode(request, batch);
  for (size_t cut = 1; cut < frame.size(); ++cut) {
    TestClient& client = harness.ConnectReady();
    client.SendRaw(frame.substr(0, cut));
    harness.Run();
    client.Close();
    harness.Run();
  }
  EXPECT_EQ(harness.store().Partition("t", 0).marks().end, 0);
  EXPECT_EQ(harness.metrics().bad_frames.value(), static_cast<int64_t>(frame.size() - 1));
  EXPECT_EQ(harness.Call(other, ServerInfo()).header.error().code(), 0);
  EXPECT_EQ(harness.metrics().connections_open.value(), 1);
  EXPECT_EQ(harness.broker().memory().used(), 0);
}

TEST(SessionTest, AnswerTooLargeForAHeaderSaysSo) {
  BrokerHarness harness;
  for (int i = 0; i < 5000; ++i) harness.MakeTopic(std::to_string(i) + std::string(240, 'x'), 0);
  TestClient& client = harness.ConnectReady();
  wire::RequestHeader request;
  request.mutable_metadata();
  const TestReply reply = harness.Call(client, request);
  EXPECT_EQ(reply.header.error().code(), Number(ErrorCode::kLimitExceeded));
  EXPECT_THAT(reply.header.error().message(), HasSubstr("ask for fewer"));
}

}  // namespace
}  // namespace leat
