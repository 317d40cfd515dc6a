// Fetch: what it gives, how it waits, what wakes it.

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

class FetchTest : public ::testing::Test {
 protected:
  FetchTest() : harness_({}, 2), client_(harness_.ConnectReady()) { harness_.MakeTopic("t", 3); }

  void Append(const std::string& batch, uint32_t partition = 0, bool commit = true,
              const std::string& topic = "t") {
    wire::RequestHeader request = Produce(topic, wire::ACK_WRITTEN, {Size(batch)});
    request.mutable_produce()->mutable_partitions(0)->set_partition(partition);
    harness_.Call(client_, request, batch);
    if (commit) harness_.store().Commit();
    harness_.Run();
  }
  std::vector<std::string> Values(const TestReply& reply) {
    std::vector<std::string> values;
    const auto records = DecodeBatches(reply.payload);
    EXPECT_TRUE(records.ok()) << records.status();
    for (const TestRecord& record : *records) values.push_back(*record.value);
    return values;
  }

  static wire::RequestHeader FetchAll(const std::vector<uint32_t>& partitions, uint32_t max_wait_ms) {
    wire::RequestHeader request = Fetch("t", partitions[0], 0, max_wait_ms);
    for (size_t i = 1; i < partitions.size(); ++i) {
      *request.mutable_fetch()->add_partitions() = Fetch("t", partitions[i], 0, 0).fetch().partitions(0);
    }
    return request;
  }

  BrokerHarness harness_;
  TestClient& client_;
};

using Strings = std::vector<std::string>;

TEST_F(FetchTest, GivesWhatIsDurable) {
  Append(MakeValueBatch({"a", "b"}));
  Append(MakeValueBatch({"c"}), 0, false);
  const TestReply reply = harness_.Call(client_, Fetch("t", 0, 0, 1000));
  EXPECT_EQ(Values(reply), (Strings{"a", "b"}));
  const wire::FetchResult& result = reply.header.fetch().results(0);
  EXPECT_EQ(result.batches_bytes(), reply.payload.size());
  EXPECT_EQ(result.visible_offset(), 2);
  EXPECT_EQ(result.durable_offset(), 2);
}

TEST_F(FetchTest, WaitsAndIsWokenByTheCommit) {
  const uint64_t id = client_.Send(Fetch("t", 0, 0, 60'000));
  harness_.Run();
  EXPECT_EQ(harness_.metrics().fetch_waiters.value(), 1);
  Append(MakeValueBatch({"a"}), 0, false);
  EXPECT_EQ(client_.Find(id), nullptr);  // not visible yet
  harness_.store().Commit();
  harness_.Run();
  ASSERT_NE(client_.Find(id), nullptr);
  EXPECT_EQ(Values(*client_.Find(id)), Strings{"a"});
  EXPECT_EQ(harness_.metrics().fetch_waiters.value(), 0);
}

TEST_F(FetchTest, WrittenTopicWakesRightAfterTheAppendAlsoOnOtherLanes) {
  harness_.MakeTopic("w", 1, {{"durability", "written"}});
  TestClient& other = harness_.ConnectReady({}, 1);
  const uint64_t here = client_.Send(Fetch("w", 0, 0, 60'000));
  const uint64_t there = other.Send(Fetch("w", 0, 0, 60'000));
  harness_.Run();
  Append(MakeValueBatch({"a"}), 0, false, "w");
  ASSERT_NE(client_.Find(here), nullptr);
  ASSERT_NE(other.Find(there), nullptr);
  EXPECT_EQ(Values(*other.Find(there)), Strings{"a"});
}

TEST_F(FetchTest, ALongPollHoldsNobodyUp) {
  const uint64_t poll = client_.Send(Fetch("t", 0, 0, 60'000));
  wire::RequestHeader info;
  info.mutable_server_info();
  EXPECT_EQ(harness_.Call(client_, info).header.error().code(), 0);
  EXPECT_EQ(client_.Find(poll), nullptr);
}

TEST_F(FetchTest, EmptyAnswerWhenTheTimeIsUp) {
  const uint64_t id = client_.Send(Fetch("t", 0, 0, 300));
  harness_.RunFor(absl::Milliseconds(299));
  EXPECT_EQ(client_.Find(id), nullptr);
  harness_.RunFor(absl::Milliseconds(2));
  ASSERT_NE(client_.Find(id), nullptr);
  EXPECT_EQ(client_.Find(id)->header.fetch().results(0).error().code(), 0);
  EXPECT_TRUE(client_.Find(id)->payload.empty());
}

TEST_F(FetchTest, MinBytesWaitsForMore) {
  const std::string batch = MakeValueBatch({"a"});
  wire::RequestHeader request = Fetch("t", 0, 0, 60'000);
  request.mutable_fetch()->set_min_bytes(2 * batch.size());
  const uint64_t id = client_.Send(request);
  Append(batch);
  EXPECT_EQ(client_.Find(id), nullptr);
  Append(batch);
  ASSERT_NE(client_.Find(id), nullptr);
  EXPECT_EQ(Values(*client_.Find(id)), (Strings{"a", "a"}));
}

TEST_F(FetchTest, MinBytesZeroAnswersAtOnce) {
  wire::RequestHeader request = Fetch("t", 0, 0, 60'000);
  request.mutable_fetch()->set_min_bytes(0);
  EXPECT_TRUE(harness_.Call(client_, request).payload.empty());
}

TEST_F(FetchTest, AtLeastOneBatchHoweverSmallTheLimits) {
  Append(MakeValueBatch({std::string(5000, 'x')}));
  Append(MakeValueBatch({"b"}), 1);
  wire::RequestHeader request = Fetch("t", 0, 0, 1000);
  request.mutable_fetch()->set_max_bytes(10);
  *request.mutable_fetch()->add_partitions() = Fetch("t", 1, 0, 0).fetch().partitions(0);
  const TestReply reply = harness_.Call(client_, request);
  EXPECT_EQ(Values(reply), Strings{std::string(5000, 'x')});
  EXPECT_EQ(reply.header.fetch().results(1).batches_bytes(), 0u);
  EXPECT_EQ(reply.header.fetch().results(1).visible_offset(), 1);
}

TEST_F(FetchTest, SeveralPartitionsInOrderSmallAndLarge) {
  const std::string large(40'000, 'L');
  Append(MakeValueBatch({large}), 0);
  Append(MakeValueBatch({"small"}), 1);
  Append(MakeValueBatch({"tiny"}), 2);
  EXPECT_EQ(Values(harness_.Call(client_, FetchAll({1, 0, 2}, 1000))), (Strings{"small", large, "tiny"}));
}

TEST_F(FetchTest, APartitionNamedTwiceIsRefused) {
  const TestReply reply = harness_.Call(client_, FetchAll({0, 1, 0}, 60'000));
  EXPECT_EQ(reply.header.error().code(), Number(ErrorCode::kInvalidRequest));
  EXPECT_THAT(reply.header.error().message(), HasSubstr("partition 0 of topic \"t\""));
  EXPECT_EQ(harness_.metrics().fetch_waiters.value(), 0);
}

TEST_F(FetchTest, AWakeUpLooksOnlyAtThePartitionWithNews) {
  wire::RequestHeader request = FetchAll({0, 1, 2}, 60'000);
  const std::string batch = MakeValueBatch({"a"});
  request.mutable_fetch()->set_min_bytes(3 * batch.size());
  const uint64_t id = client_.Send(request);
  harness_.Run();
  const int before = harness_.store().Partition("t", 0).reads;
  Append(batch, 1);
  Append(batch, 2);
  EXPECT_EQ(harness_.store().Partition("t", 0).reads, before);
  EXPECT_EQ(client_.Find(id), nullptr);
  Append(batch, 1);  // the bytes of all partitions count together
  ASSERT_NE(client_.Find(id), nullptr);
  EXPECT_EQ(Values(*client_.Find(id)), (Strings{"a", "a", "a"}));
}

// The second batch has no room, but there is enough: nobody waits for more that would not fit either.
TEST_F(FetchTest, MinBytesCountsWhatDoesNotFitTheReply) {
  const std::string batch = MakeValueBatch({"a"});
  wire::RequestHeader request = FetchAll({0, 1}, 60'000);
  request.mutable_fetch()->set_min_bytes(batch.size() + 1);
  request.mutable_fetch()->set_max_bytes(batch.size() + 1);
  const uint64_t id = client_.Send(request);
  Append(batch, 0);
  EXPECT_EQ(client_.Find(id), nullptr);
  Append(batch, 1);
  ASSERT_NE(client_.Find(id), nullptr);
  EXPECT_EQ(Values(*client_.Find(id)), Strings{"a"});
}

TEST_F(FetchTest, ErrorsAnswerAtOncePerPartition) {
  Append(MakeValueBatch({"a"}), 0);
  Append(MakeValueBatch({"a"}), 1);
  wire::RequestHeader request = Fetch("t", 0, 5, 60'000);
  *request.mutable_fetch()->add_partitions() = Fetch("t", 1, 0, 0).fetch().partitions(0);
  *request.mutable_fetch()->add_partitions() = Fetch("nothing", 0, 0, 0).fetch().partitions(0);
  *request.mutable_fetch()->add_partitions() = Fetch("t", 9, 0, 0).fetch().partitions(0);
  const TestReply reply = harness_.Call(client_, request);
  const auto& results = reply.header.fetch().results();
  ASSERT_EQ(results.size(), 4);
  EXPECT_EQ(results[0].error().code(), Number(ErrorCode::kOffsetOutOfRange));
  EXPECT_EQ(results[0].visible_offset(), 1);
  EXPECT_EQ(results[1].error().code(), 0);
  EXPECT_EQ(results[2].error().code(), Number(ErrorCode::kUnknownTopic));
  EXPECT_EQ(results[3].error().code(), Number(ErrorCode::kUnknownPartition));
  EXPECT_EQ(Values(reply), Strings{"a"});
  wire::RequestHeader nothing;
  nothing.mutable_fetch();
  EXPECT_EQ(harness_.Call(client_, nothing).header.error().code(), Number(ErrorCode::kInvalidRequest));
}

TEST_F(FetchTest, DeletedTopicEndsTheWait) {
  const uint64_t id = client_.Send(Fetch("t", 0, 0, 60'000));
  harness_.Run();
  ASSERT_TRUE(harness_.store().DeleteTopic("t").ok());
  harness_.Run();
  ASSERT_NE(client_.Find(id), nullptr);
  EXPECT_EQ(client_.Find(id)->header.fetch().results(0).error().code(), Number(ErrorCode::kUnknownTopic));
}

TEST_F(FetchTest, ClosedConnectionLeavesNoWaiterBehind) {
  client_.Send(Fetch("t", 0, 0, 60'000));
  client_.Send(Fetch("t", 1, 0, 60'000));
  harness_.Run();
  EXPECT_EQ(harness_.metrics().fetch_waiters.value(), 2);
  client_.Close();
  harness_.Run();
  EXPECT_EQ(harness_.metrics().fetch_waiters.value(), 0);
  EXPECT_EQ(harness_.metrics().requests_in_flight.value(), 0);
  EXPECT_EQ(harness_.metrics().connections_open.value(), 0);
}

TEST_F(FetchTest, WaitingIsCutToTheLimit) {
  const uint64_t id = client_.Send(Fetch("t", 0, 0, 0xFFFFFFFF));
  harness_.RunFor(absl::Milliseconds(60'001));
  EXPECT_NE(client_.Find(id), nullptr);
}

}  // namespace
}  // namespace leat
