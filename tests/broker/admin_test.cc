// Topics, metadata, offsets, server info.

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/broker/broker_harness.h"
#include "tests/support/batch_factory.h"

namespace leat {
namespace {

using ::testing::HasSubstr;

int32_t Number(ErrorCode code) { return static_cast<int32_t>(code); }

class AdminTest : public ::testing::Test {
 protected:
  AdminTest() : client_(harness_.ConnectReady()) {}
  TestReply Call(const wire::RequestHeader& request, std::string payload = "") {
    return harness_.Call(client_, request, std::move(payload));
  }

  BrokerHarness harness_;
  TestClient& client_;
};

TEST_F(AdminTest, CreateSaysWhatItMade) {
  const TestReply reply = Call(CreateTopic("orders", 3));
  EXPECT_TRUE(reply.header.create_topic().created());
  EXPECT_EQ(reply.header.create_topic().partition_count(), 3u);
  EXPECT_EQ(Call(CreateTopic("orders", 3)).header.error().code(), Number(ErrorCode::kTopicExists));
  wire::RequestHeader again = CreateTopic("orders", 5);
  again.mutable_create_topic()->set_if_not_exists(true);
  const TestReply existing = Call(again);
  EXPECT_FALSE(existing.header.create_topic().created());
  EXPECT_EQ(existing.header.create_topic().partition_count(), 3u);
  EXPECT_EQ(existing.header.create_topic().topic_id(), reply.header.create_topic().topic_id());
}

TEST_F(AdminTest, CreateWithoutACountTakesTheDefault) {
  EXPECT_EQ(Call(CreateTopic("t", 0)).header.create_topic().partition_count(), 1u);
}

TEST_F(AdminTest, ValidateOnlyChangesNothing) {
  wire::RequestHeader request = CreateTopic("t", 2);
  request.mutable_create_topic()->set_validate_only(true);
  EXPECT_EQ(Call(request).header.error().code(), 0);
  EXPECT_EQ(harness_.store().FindTopic("t"), nullptr);
  wire::ConfigEntry* entry = request.mutable_create_topic()->add_config();
  entry->set_name("segment_byte");
  entry->set_value("1");
  const TestReply reply = Call(request);
  EXPECT_EQ(reply.header.error().code(), Number(ErrorCode::kInvalidConfig));
  EXPECT_THAT(reply.header.error().message(), HasSubstr("segment_bytes"));
}

TEST_F(AdminTest, NamesAreChecked) {
  for (const char* name : {"", ".", "..", "a b", "a/b", "\xC3\xA4"}) {
    EXPECT_EQ(Call(CreateTopic(name)).header.error().code(), Number(ErrorCode::kInvalidTopicName)) << name;
  }
  EXPECT_EQ(Call(CreateTopic(std::string(250, 'x'))).header.error().code(),
            Number(ErrorCode::kInvalidTopicName));
  EXPECT_EQ(Call(CreateTopic(std::string(249, 'x'))).header.error().code(), 0);
}

TEST_F(AdminTest, InternalTopicsAreTheBrokers) {
  harness_.MakeTopic("__metadata");
  wire::RequestHeader request;
  EXPECT_EQ(Call(CreateTopic("__mine")).header.error().code(), Number(ErrorCode::kInvalidTopicName));
  request.mutable_delete_topic()->set_name("__metadata");
  EXPECT_EQ(Call(request).header.error().code(), Number(ErrorCode::kInvalidTopicName));
  request.mutable_alter_topic()->set_name("__metadata");
  EXPECT_EQ(Call(request).header.error().code(), Number(ErrorCode::kInvalidTopicName));
  request.mutable_metadata();
  EXPECT_EQ(Call(request).header.metadata().topics_size(), 0);
  request.mutable_metadata()->set_include_internal(true);
  EXPECT_EQ(Call(request).header.metadata().topics_size(), 1);
}

// More topics than one reply has room for, whatever page the client asks for.
TEST_F(AdminTest, AnyNumberOfTopicsCanBeListed) {
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) names.push_back(absl::StrCat(std::string(244, 'x'), 10000 + i));
  for (const std::string& name : names) harness_.MakeTopic(name);
  for (const uint32_t page : {1000u, 0xFFFFFFFFu}) {
    std::vector<std::string> listed;
    wire::RequestHeader request;
    request.mutable_metadata()->set_max_topics(page);
    for (bool more = true; more;) {
      const TestReply reply = Call(request);
      ASSERT_EQ(reply.header.error().code(), 0) << reply.header.error().message();
      more = reply.header.metadata().more();
      for (const auto& topic : reply.header.metadata().topics()) listed.push_back(topic.name());
      request.mutable_metadata()->set_after_topic(listed.back());
      ASSERT_LE(listed.size(), names.size());
    }
    EXPECT_EQ(listed, names);
  }
}

TEST_F(AdminTest, ListsEndAtTheirPage) {
  for (const char* name : {"a", "b", "c", "__d"}) harness_.MakeTopic(name, 5);
  wire::RequestHeader request;
  request.mutable_metadata()->set_max_topics(2);
  TestReply reply = Call(request);
  EXPECT_EQ(reply.header.metadata().topics_size(), 2);
  EXPECT_TRUE(reply.header.metadata().more());
  request.mutable_metadata()->set_after_topic("b");
  reply = Call(request);
  EXPECT_EQ(reply.header.metadata().topics(0).name(), "c");
  EXPECT_FALSE(reply.header.metadata().more());
  request.mutable_describe_topic()->set_name("a");
  request.mutable_describe_topic()->set_max_partitions(3);
  request.mutable_describe_topic()->set_first_partition(1);
  reply = Call(request);
  ASSERT_EQ(reply.header.describe_topic().partitions_size(), 3);
  EXPECT_EQ(reply.header.describe_topic().partitions(0).partition(), 1u);
  request.mutable_describe_topic()->set_first_partition(7);
  EXPECT_EQ(Call(request).header.describe_topic().partitions_size(), 0);
}

TEST_F(AdminTest, AnyNumberOfPartitionsCanBeDescribed) {
  harness_.MakeTopic("t", 100000);
  wire::RequestHeader request;
  request.mutable_describe_topic()->set_name("t");
  request.mutable_describe_topic()->set_max_partitions(100000);
  uint32_t described = 0;
  while (described < 100000) {
    request.mutable_describe_topic()->set_first_partition(described);
    const TestReply reply = Call(request);
    ASSERT_GT(reply.header.describe_topic().partitions_size(), 0) << reply.header.error().message();
    EXPECT_EQ(reply.header.describe_topic().partitions(0).partition(), described);
    described += static_cast<uint32_t>(reply.header.describe_topic().partitions_size());
  }
}

TEST_F(AdminTest, DescribeTellsEverySettingAndPartition) {
  wire::RequestHeader create = CreateTopic("t", 2);
  wire::ConfigEntry* entry = create.mutable_create_topic()->add_config();
  entry->set_name("segment_bytes");
  entry->set_value("1MiB");
  Call(create);
  const std::string batch = MakeValueBatch({"a"});
  Call(Produce("t", wire::ACK_WRITTEN, {static_cast<uint32_t>(batch.size())}), batch);
  wire::RequestHeader request;
  request.mutable_describe_topic()->set_name("t");
  const TestReply reply = Call(request);
  const wire::DescribeTopicResponse& body = reply.header.describe_topic();
  EXPECT_EQ(body.config_size(), static_cast<int>(TopicSettings().size()));
  for (const wire::TopicSetting& setting : body.config()) {
    EXPECT_EQ(setting.is_default(), setting.name() != "segment_bytes");
    if (setting.name() == "segment_bytes") {
      EXPECT_EQ(setting.value(), "1MiB");
    }
  }
  ASSERT_EQ(body.partitions_size(), 2);
  EXPECT_EQ(body.partitions(0).end_offset(), 1);
  EXPECT_EQ(body.partitions(0).durable_offset(), 0);
  request.mutable_describe_topic()->set_name("u");
  EXPECT_EQ(Call(request).header.error().code(), Number(ErrorCode::kUnknownTopic));
}

TEST_F(AdminTest, AlterAndDelete) {
  harness_.MakeTopic("t");
  wire::RequestHeader alter;
  alter.mutable_alter_topic()->set_name("t");
  wire::ConfigEntry* entry = alter.mutable_alter_topic()->add_set();
  entry->set_name("segment_bytes");
  entry->set_value("2MiB");
  EXPECT_EQ(Call(alter).header.alter_topic().partition_count(), 1u);
  EXPECT_EQ(harness_.store().FindTopic("t")->config.segment_bytes, 2 << 20);
  wire::RequestHeader remove;
  remove.mutable_delete_topic()->set_name("t");
  EXPECT_TRUE(Call(remove).header.has_delete_topic());
  EXPECT_EQ(Call(remove).header.error().code(), Number(ErrorCode::kUnknownTopic));
  EXPECT_EQ(Call(alter).header.error().code(), Number(ErrorCode::kUnknownTopic));
}

TEST_F(AdminTest, MetadataByNameWithErrorsAndCreation) {
  harness_.MakeTopic("t", 4);
  wire::RequestHeader request;
  request.mutable_metadata()->add_topics("t");
  request.mutable_metadata()->add_topics("u");
  TestReply reply = Call(request);
  EXPECT_EQ(reply.header.metadata().topics(0).partition_count(), 4u);
  EXPECT_EQ(reply.header.metadata().topics(1).error().code(), Number(ErrorCode::kUnknownTopic));
  EXPECT_EQ(reply.header.metadata().topics(1).name(), "u");
  request.mutable_metadata()->set_create_missing(true);
  request.mutable_metadata()->add_topics("not valid");
  reply = Call(request);
  EXPECT_EQ(reply.header.metadata().topics(1).error().code(), 0);
  EXPECT_EQ(reply.header.metadata().topics(1).partition_count(), 1u);
  EXPECT_EQ(reply.header.metadata().topics(2).error().code(), Number(ErrorCode::kInvalidTopicName));
}

// A thousand topics of one request do not hold up the end.
TEST_F(AdminTest, CreationOnFirstUseEndsWhenTheBrokerStops) {
  wire::RequestHeader request;
  request.mutable_metadata()->set_create_missing(true);
  for (int i = 0; i < 1000; ++i) request.mutable_metadata()->add_topics(absl::StrCat("t", i));
  harness_.store().on_create = [&] {
    if (harness_.store().Topics().size() == 10) harness_.broker().BeginDrain();
  };
  const uint64_t id = client_.Send(request);
  harness_.Run();
  EXPECT_LT(harness_.store().Topics().size(), 20u);
  ASSERT_NE(client_.Find(id), nullptr);
  const wire::MetadataResponse& reply = client_.Find(id)->header.metadata();
  EXPECT_EQ(reply.topics(0).error().code(), 0);
  EXPECT_EQ(reply.topics(999).error().code(), Number(ErrorCode::kShuttingDown));
}

TEST_F(AdminTest, SearchesByTimeEndWithTheConnection) {
  harness_.MakeTopic("t");
  wire::RequestHeader request;
  for (int i = 0; i < 1000; ++i) {
    wire::OffsetQuery* query = request.mutable_list_offsets()->add_queries();
    query->set_topic("t");
    query->set_position(wire::OffsetQuery::TIMESTAMP);
  }
  EXPECT_EQ(Call(request).header.list_offsets().answers_size(), 1000);
  FakePartition& log = harness_.store().Partition("t", 0);
  EXPECT_EQ(log.searches, 1000);
  log.on_search = [&] {
    if (log.searches == 1010) client_.Close();
  };
  client_.Send(request);
  harness_.Run();
  EXPECT_GE(log.searches, 1010);
  EXPECT_LT(log.searches, 1500);
  EXPECT_EQ(harness_.metrics().requests_in_flight.value(), 0);
}

TEST_F(AdminTest, ListOffsets) {
  harness_.MakeTopic("t");
  for (const int64_t timestamp : {1'700'000'000'000, 1'700'000'000'500}) {
    const std::string batch = MakeValueBatch({"a"}, timestamp);
    Call(Produce("t", wire::ACK_WRITTEN, {static_cast<uint32_t>(batch.size())}), batch);
    if (timestamp == 1'700'000'000'000) harness_.store().Commit();
  }
  const auto ask = [&](wire::OffsetQuery::Position position, int64_t timestamp_ms) {
    wire::RequestHeader request;
    wire::OffsetQuery* query = request.mutable_list_offsets()->add_queries();
    query->set_topic("t");
    query->set_position(position);
    query->set_timestamp_ms(timestamp_ms);
    return Call(request).header.list_offsets().answers(0);
  };
  EXPECT_EQ(ask(wire::OffsetQuery::START, 0).offset(), 0);
  EXPECT_EQ(ask(wire::OffsetQuery::END, 0).offset(), 1);  // what a consumer may see
  EXPECT_EQ(ask(wire::OffsetQuery::DURABLE, 0).offset(), 1);
  EXPECT_EQ(ask(wire::OffsetQuery::TIMESTAMP, 1'700'000'000'000).offset(), 0);
  EXPECT_EQ(ask(wire::OffsetQuery::TIMESTAMP, 1'700'000'000'001).offset(), 1);
  EXPECT_EQ(ask(wire::OffsetQuery::TIMESTAMP, 1'700'000'000'001).timestamp_ms(), -1);
  EXPECT_EQ(ask(static_cast<wire::OffsetQuery::Position>(9), 0).error().code(),
            Number(ErrorCode::kInvalidRequest));
}

TEST_F(AdminTest, ServerInfoTellsMetricsAndSettings) {
  wire::RequestHeader request;
  request.mutable_server_info();
  TestReply reply = Call(request);
  EXPECT_EQ(reply.header.server_info().connections(), 1u);
  EXPECT_EQ(reply.header.server_info().metrics_size(), 0);
  request.mutable_server_info()->set_include_metrics(true);
  request.mutable_server_info()->set_include_settings(true);
  reply = Call(request);
  const wire::ServerInfoResponse& info = reply.header.server_info();
  EXPECT_EQ(info.settings_size(), static_cast<int>(ConfigSettings().size()));
  std::set<std::string> names;
  for (const wire::Metric& metric : info.metrics()) {
    EXPECT_TRUE(names.insert(metric.name()).second) << metric.name();
    EXPECT_FALSE(metric.doc().empty()) << metric.name();
    EXPECT_FALSE(metric.unit().empty()) << metric.name();
    EXPECT_TRUE(metric.kind() == "counter" || metric.kind() == "gauge") << metric.name();
    if (metric.name() == "requests_server_info") {
      EXPECT_EQ(metric.value(), 2);
    }
    if (metric.name() == "connections_limit") {
      EXPECT_EQ(metric.value(), 10'000);
    }
  }
  EXPECT_EQ(names.count("errors_unknown_topic"), 1u);
  EXPECT_EQ(names.count("connections_closed_idle"), 1u);
}

}  // namespace
}  // namespace leat
