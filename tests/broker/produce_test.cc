// Produce: levels, waiting, order, errors, topics created on first use.

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/broker/broker_harness.h"
#include "tests/support/batch_factory.h"

namespace leat {
namespace {

using ::testing::HasSubstr;

int32_t Number(ErrorCode code) { return static_cast<int32_t>(code); }
uint32_t Size(const std::string& batch) { return static_cast<uint32_t>(batch.size()); }

class ProduceTest : public ::testing::Test {
 protected:
  ProduceTest() : harness_(), client_(harness_.ConnectReady()) { harness_.MakeTopic("t", 3); }

  uint64_t Send(wire::AckLevel ack, const std::string& batch, uint32_t timeout_ms = 0) {
    wire::RequestHeader request = Produce("t", ack, {Size(batch)});
    request.mutable_produce()->set_timeout_ms(timeout_ms);
    const uint64_t id = client_.Send(request, batch);
    harness_.Run();
    return id;
  }
  const wire::ProduceResult& Result(uint64_t id) {
    const TestReply* reply = client_.Find(id);
    EXPECT_NE(reply, nullptr);
    static const wire::ProduceResult none;
    return reply == nullptr ? none : reply->header.produce().results(0);
  }
  FakePartition& partition() { return harness_.store().Partition("t", 0); }

  BrokerHarness harness_;
  TestClient& client_;
};

TEST_F(ProduceTest, DurableWaitsForTheCommit) {
  const uint64_t id = Send(wire::ACK_DURABLE, MakeValueBatch({"a", "b"}));
  EXPECT_EQ(client_.Find(id), nullptr);
  EXPECT_EQ(partition().last_urgency, CommitUrgency::kNow);
  EXPECT_EQ(harness_.metrics().ack_waiters.value(), 1);
  harness_.store().Commit();
  harness_.Run();
  EXPECT_EQ(Result(id).base_offset(), 0);
  EXPECT_EQ(Result(id).level(), wire::ACK_DURABLE);
  EXPECT_FALSE(Result(id).provisional());
  EXPECT_EQ(Result(id).end_offset(), 2);
  EXPECT_EQ(harness_.metrics().ack_waiters.value(), 0);
  EXPECT_EQ(harness_.metrics().records_in.value(), 2);
}

TEST_F(ProduceTest, WrittenAnswersAtOnceAndSaysProvisional) {
  const uint64_t id = Send(wire::ACK_WRITTEN, MakeValueBatch({"a"}));
  EXPECT_EQ(Result(id).level(), wire::ACK_WRITTEN);
  EXPECT_TRUE(Result(id).provisional());
  EXPECT_EQ(partition().last_urgency, CommitUrgency::kLater);
}

TEST_F(ProduceTest, WrittenTopicIsNotProvisional) {
  harness_.MakeTopic("w", 1, {{"durability", "written"}});
  const std::string batch = MakeValueBatch({"a"});
  const TestReply reply = harness_.Call(client_, Produce("w", wire::ACK_WRITTEN, {Size(batch)}), batch);
  EXPECT_EQ(reply.header.produce().results(0).level(), wire::ACK_WRITTEN);
  EXPECT_FALSE(reply.header.produce().results(0).provisional());
}

TEST_F(ProduceTest, NoneIsNotAnsweredNotEvenOnError) {
  const size_t before = client_.replies().size();
  Send(wire::ACK_NONE, MakeValueBatch({"a"}));
  EXPECT_EQ(partition().marks().end, 1);
  std::string damaged = MakeValueBatch({"a"});
  damaged.back() ^= 1;
  Send(wire::ACK_NONE, damaged);
  wire::RequestHeader mismatch = Produce("t", wire::ACK_NONE, {5});
  client_.Send(mismatch, "1234");
  harness_.Run();
  EXPECT_EQ(client_.replies().size(), before);
  EXPECT_EQ(partition().marks().end, 1);
  EXPECT_FALSE(client_.closed());
  EXPECT_EQ(harness_.metrics().requests_in_flight.value(), 0);
}

TEST_F(ProduceTest, SeveralPartitionsOneAnswerWhenAllAreDurable) {
  const std::string batch = MakeValueBatch({"a"});
  const uint64_t id = client_.Send(Produce("t", wire::ACK_DURABLE, {Size(batch), Size(batch), Size(batch)}),
                                   batch + batch + batch);
  harness_.Run();
  harness_.store().Commit({&harness_.store().Partition("t", 0), &harness_.store().Partition("t", 2)});
  harness_.Run();
  EXPECT_EQ(client_.Find(id), nullptr);
  harness_.store().Commit();
  harness_.Run();
  ASSERT_NE(client_.Find(id), nullptr);
  for (const wire::ProduceResult& result : client_.Find(id)->header.produce().results()) {
    EXPECT_EQ(result.error().code(), 0);
    EXPECT_EQ(result.level(), wire::ACK_DURABLE);
  }
}

TEST_F(ProduceTest, PipelinedRequestsKeepTheirOrder) {
  std::vector<uint64_t> ids;
  for (int i = 0; i < 50; ++i) {
    const std::string batch = MakeValueBatch({std::to_string(i)});
    ids.push_back(client_.Send(Produce("t", wire::ACK_DURABLE, {Size(batch)}), batch));
  }
  harness_.Run();
  const int64_t posts = harness_.metrics().commit_notices.value();
  harness_.store().Commit();
  harness_.Run();
  EXPECT_EQ(harness_.metrics().commit_notices.value(), posts + 1);  // one for all fifty
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(Result(ids[i]).base_offset(), static_cast<int64_t>(i));
}

TEST_F(ProduceTest, TimeoutSaysThatTheOutcomeIsUnknown) {
  const uint64_t id = Send(wire::ACK_DURABLE, MakeValueBatch({"a"}), 250);
  harness_.RunFor(absl::Milliseconds(249));
  EXPECT_EQ(client_.Find(id), nullptr);
  harness_.RunFor(absl::Milliseconds(2));
  EXPECT_EQ(Result(id).error().code(), Number(ErrorCode::kTimedOut));
  EXPECT_THAT(Result(id).error().message(), HasSubstr("outcome is unknown"));
  EXPECT_EQ(harness_.metrics().ack_waiters.value(), 0);
  harness_.store().Commit();  // late, for nobody
  harness_.Run();
  EXPECT_FALSE(client_.closed());
}

TEST_F(ProduceTest, FailedSyncIsOutcomeUnknown) {
  const uint64_t id = Send(wire::ACK_DURABLE, MakeValueBatch({"a"}));
  harness_.store().FailCommit(MakeError(ErrorCode::kStorageError, "fdatasync x: Input/output error"));
  harness_.Run();
  EXPECT_EQ(Result(id).error().code(), Number(ErrorCode::kOutcomeUnknown));
  EXPECT_THAT(Result(id).error().message(), HasSubstr("Input/output error"));
  EXPECT_EQ(harness_.storage_failures(), 1);
}

TEST_F(ProduceTest, DeletedTopicEndsTheWait) {
  const uint64_t id = Send(wire::ACK_DURABLE, MakeValueBatch({"a"}));
  ASSERT_TRUE(harness_.store().DeleteTopic("t").ok());
  harness_.Run();
  EXPECT_EQ(Result(id).error().code(), Number(ErrorCode::kUnknownTopic));
}

TEST_F(ProduceTest, FullDiskIsAnAnswer) {
  partition().append_error = MakeError(ErrorCode::kDiskFull, "the disk is full");
  EXPECT_EQ(Result(Send(wire::ACK_DURABLE, MakeValueBatch({"a"}))).error().code(),
            Number(ErrorCode::kDiskFull));
  partition().append_error = absl::OkStatus();
  EXPECT_EQ(Result(Send(wire::ACK_WRITTEN, MakeValueBatch({"a"}))).error().code(), 0);
}

TEST_F(ProduceTest, BadBatchesHurtOnlyTheirPartition) {
  const std::string good = MakeValueBatch({"good"});
  std::string bad_crc = good;
  bad_crc.back() ^= 1;
  const std::string late = MakeValueBatch({"future"}, ManualClock::kStartWallMs + 2 * 3600 * 1000);
  const TestReply reply =
      harness_.Call(client_, Produce("t", wire::ACK_WRITTEN, {Size(bad_crc), Size(good), Size(late)}),
                    bad_crc + good + late);
  const auto& results = reply.header.produce().results();
  EXPECT_EQ(results[0].error().code(), Number(ErrorCode::kCorruptBatch));
  EXPECT_EQ(results[0].base_offset(), -1);
  EXPECT_EQ(results[1].error().code(), 0);
  EXPECT_EQ(results[2].error().code(), Number(ErrorCode::kInvalidTimestamp));
  EXPECT_EQ(harness_.store().Partition("t", 0).marks().end, 0);
  EXPECT_EQ(harness_.store().Partition("t", 1).marks().end, 1);
  EXPECT_EQ(harness_.store().Partition("t", 2).marks().end, 0);
}

TEST_F(ProduceTest, NamedErrorsForBadRequests) {
  const std::string batch = MakeValueBatch({"a"});
  const auto code = [&](const wire::RequestHeader& request, const std::string& payload) {
    const TestReply reply = harness_.Call(client_, request, payload);
    return reply.header.has_error() ? reply.header.error().code()
                                    : reply.header.produce().results(0).error().code();
  };
  EXPECT_EQ(code(Produce("t", wire::ACK_WRITTEN, {}), ""), Number(ErrorCode::kInvalidRequest));
  EXPECT_EQ(code(Produce("t", wire::ACK_WRITTEN, {Size(batch) + 1}), batch),
            Number(ErrorCode::kInvalidRequest));
  EXPECT_EQ(code(Produce("t", static_cast<wire::AckLevel>(9), {Size(batch)}), batch),
            Number(ErrorCode::kInvalidRequest));
  EXPECT_EQ(code(Produce("__metadata", wire::ACK_WRITTEN, {Size(batch)}), batch),
            Number(ErrorCode::kInvalidTopicName));
  EXPECT_EQ(code(Produce("no/slash", wire::ACK_WRITTEN, {Size(batch)}), batch),
            Number(ErrorCode::kInvalidTopicName));
  wire::RequestHeader beyond = Produce("t", wire::ACK_WRITTEN, {Size(batch)});
  beyond.mutable_produce()->mutable_partitions(0)->set_partition(3);
  EXPECT_EQ(code(beyond, batch), Number(ErrorCode::kUnknownPartition));
  EXPECT_THAT(client_.replies().back().header.produce().results(0).error().message(), HasSubstr("0 to 2"));
  EXPECT_EQ(code(Produce("t", wire::ACK_WRITTEN, std::vector<uint32_t>(2049, 0)), ""),
            Number(ErrorCode::kLimitExceeded));
  EXPECT_THAT(client_.replies().back().header.error().message(), HasSubstr("partitions_per_request_max"));
  EXPECT_EQ(partition().marks().end, 0);
}

TEST_F(ProduceTest, FirstProduceCreatesTheTopicAndKeepsTheOrder) {
  std::vector<uint64_t> ids;
  for (int i = 0; i < 5; ++i) {
    const std::string batch = MakeValueBatch({std::to_string(i)});
    ids.push_back(client_.Send(Produce("new", wire::ACK_WRITTEN, {Size(batch)}), batch));
  }
  harness_.Run();
  ASSERT_NE(harness_.store().FindTopic("new"), nullptr);
  EXPECT_EQ(harness_.store().FindTopic("new")->partitions.size(), 1u);
  for (size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(Result(ids[i]).base_offset(), static_cast<int64_t>(i));
  EXPECT_EQ(harness_.metrics().topics_auto_created.value(), 1);
}

TEST(ProduceConfigTest, AutoCreationCanBeSwitchedOff) {
  Config config;
  config.auto_create_topics = false;
  BrokerHarness harness(config);
  harness.MakeTopic("orders");
  TestClient& client = harness.ConnectReady();
  const std::string batch = MakeValueBatch({"a"});
  const TestReply reply = harness.Call(client, Produce("order", wire::ACK_WRITTEN, {Size(batch)}), batch);
  EXPECT_EQ(reply.header.produce().results(0).error().code(), Number(ErrorCode::kUnknownTopic));
  EXPECT_THAT(reply.header.produce().results(0).error().message(), HasSubstr("did you mean \"orders\""));
}

// The news of the deletion comes when nobody waits yet.
TEST_F(ProduceTest, TopicDeletedRightAfterTheAppendIsToldAtOnce) {
  harness_.MakeTopic("gone");
  harness_.store().Partition("gone", 0).on_appended = [&] {
    EXPECT_TRUE(harness_.store().DeleteTopic("gone").ok());
  };
  const std::string batch = MakeValueBatch({"a"});
  const TestReply reply = harness_.Call(client_, Produce("gone", wire::ACK_DURABLE, {Size(batch)}), batch);
  EXPECT_EQ(reply.header.produce().results(0).error().code(), Number(ErrorCode::kUnknownTopic));
  EXPECT_EQ(harness_.metrics().ack_waiters.value(), 0);
}

}  // namespace
}  // namespace leat
