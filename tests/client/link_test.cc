// The connection: errors of those who cannot connect, admin calls over a bad line.

#include <atomic>
#include <string>
#include <vector>

#include "client/admin.h"
#include "tests/client/client_fixture.h"

namespace leat {
namespace {

using testing::HasSubstr;
using Kind = wire::RequestHeader;

class LinkTest : public ClientFixture {};

TEST_F(LinkTest, ConnectFailsAtOnceAndNamesAddressAndRemedy) {
  broker_.Stop();
  const absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(Options());
  ASSERT_THAT(client, StatusIs(ErrorCode::kUnavailable));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr(broker_.address()));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("Is leatd running"));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("use another address"));
}

TEST_F(LinkTest, TriesEveryAddressOfAName) {
  // The broker listens on the IPv4 address only; localhost may have an IPv6 one in front of it.
  ClientOptions options = Options();
  options.address = "localhost:" + broker_.address().substr(broker_.address().find(':') + 1);
  EXPECT_THAT(Client::Connect(options), IsOk());
}

TEST_F(LinkTest, AnUnknownHostIsUnavailable) {
  ClientOptions options = Options();
  options.address = "no-such-host.invalid:9640";
  const auto client = Client::Connect(options);
  EXPECT_THAT(client, StatusIs(ErrorCode::kUnavailable));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("no-such-host.invalid"));
}

TEST_F(LinkTest, ListsComeInAsManyPagesAsTheBrokerGives) {
  std::vector<std::string> names;
  for (int i = 0; i < 7; ++i) broker_.CreateTopic(names.emplace_back("t" + std::to_string(i)), 5);
  const Admin admin(MakeClient());
  ASSERT_OK_AND_ASSIGN(const std::vector<TopicSummary> topics, admin.ListTopics().Get());
  std::vector<std::string> listed;
  for (const TopicSummary& topic : topics) listed.push_back(topic.name);
  EXPECT_EQ(listed, names);
  ASSERT_OK_AND_ASSIGN(const TopicDescription topic, admin.DescribeTopic("t3").Get());
  ASSERT_EQ(topic.partitions.size(), 5u);
  for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(topic.partitions[i].partition, i);
}

TEST_F(LinkTest, RefusesUnusableOptions) {
  ClientOptions options = Options();
  options.address = "host:99999";
  EXPECT_FALSE(Client::Create(options).ok());
  options = Options();
  options.request_timeout = absl::ZeroDuration();
  EXPECT_THAT(Client::Create(options), StatusIs(ErrorCode::kInvalidRequest));
}

TEST_F(LinkTest, HelloThatIsRefusedGivesTheBrokersReason) {
  broker_.SetScript([](const wire::RequestHeader&) {
    return FakeAction{FakeAction::kRefuse, ErrorCode::kUnsupportedVersion};
  });
  EXPECT_THAT(Client::Connect(Options()), StatusIs(ErrorCode::kUnsupportedVersion));
}

TEST_F(LinkTest, SomethingElseBehindThePortIsNamedAsSuch) {
  broker_.SetScript([](const wire::RequestHeader&) { return FakeAction{FakeAction::kGarbage}; });
  const auto client = Client::Connect(Options());
  ASSERT_THAT(client, StatusIs(ErrorCode::kUnavailable));
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("does not speak Leat's protocol"));
}

TEST_F(LinkTest, ABrokerThatDoesNotAnswerHelloTimesOut) {
  broker_.SetScript([](const wire::RequestHeader&) { return FakeAction{FakeAction::kIgnore}; });
  ClientOptions options = Options();
  options.connect_timeout = absl::Milliseconds(50);
  EXPECT_THAT(Client::Connect(options), StatusIs(ErrorCode::kTimedOut));
}

TEST_F(LinkTest, ReadyComesAfterTheBrokerDoes) {
  broker_.Stop();
  Client& client = MakeClient();
  EXPECT_THAT(client.Ready().Get(), StatusIs(ErrorCode::kUnavailable));
  broker_.Start();
  EXPECT_TRUE(Eventually([&] { return client.Ready().Get().ok(); }));
}

TEST_F(LinkTest, AdminCallsAreRepeatedOverLostConnections) {
  broker_.SetScript([this](const wire::RequestHeader& request) {
    if (request.has_hello()) return FakeAction{};
    switch (++calls_ % 3) {
      case 1:
        return FakeAction{FakeAction::kServeAndCut};
      case 2:
        return FakeAction{FakeAction::kRefuse, ErrorCode::kShuttingDown};
      default:
        return FakeAction{};
    }
  });
  Admin admin(MakeClient());
  // The first attempt creates the topic, and its reply is lost.
  const auto created = admin.CreateTopic({.name = "t", .partitions = 2}).Get();
  ASSERT_THAT(created, IsOk());
  EXPECT_TRUE(created->created);
  EXPECT_THAT(admin.DeleteTopic("t").Get(), IsOk());
}

TEST_F(LinkTest, ErrorsThatStayAreNotRepeated) {
  Admin admin(MakeClient());
  broker_.CreateTopic("t", 1);
  EXPECT_THAT(admin.CreateTopic({.name = "t"}).Get(), StatusIs(ErrorCode::kTopicExists));
  EXPECT_THAT(admin.DeleteTopic("other").Get(), StatusIs(ErrorCode::kUnknownTopic));
  EXPECT_EQ(broker_.Count(Kind::kCreateTopic), 1);
}

TEST_F(LinkTest, OperationsEndAtTheirTimeout) {
  broker_.Stop();
  ClientOptions options = Options();
  options.operation_timeout = absl::Milliseconds(50);
  Admin admin(MakeClient(options));
  const absl::Status away = admin.DescribeServer().Get().status();
  EXPECT_THAT(away, StatusIs(ErrorCode::kUnavailable));
  EXPECT_THAT(std::string(away.message()), HasSubstr(broker_.address()));
  broker_.Start();
  broker_.SetScript([](const wire::RequestHeader& request) {
    return FakeAction{request.has_hello() ? FakeAction::kServe : FakeAction::kIgnore};
  });
  EXPECT_THAT(admin.DescribeServer().Get(), StatusIs(ErrorCode::kTimedOut));
}

TEST_F(LinkTest, ALongPollHoldsNobodyUp) {
  broker_.CreateTopic("t", 1);
  ConsumerOptions options;
  options.fetch_max_wait = absl::Seconds(30);
  auto consumer = MakeConsumer(std::move(options));
  EXPECT_THAT(consumer->AssignTopics({"t"}, ReadFrom::Start()).Get(), IsOk());
  EXPECT_TRUE(broker_.AwaitCount(Kind::kFetch, 1));
  EXPECT_THAT(Admin(*client_).DescribeServer().Get(), IsOk());
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), IsOk());
  EXPECT_THAT(consumer->Poll(kLong), IsOkAndHolds(testing::SizeIs(1)));
}

TEST_F(LinkTest, OtherDataBehindTheAddressIsAnErrorNotASilentChange) {
  auto producer = MakeProducer();
  EXPECT_THAT(producer->Send(ValueRecord("t", "v")).Get(), IsOk());
  broker_.SetDataId("data-2");
  broker_.CutConnections();
  const Producer::Delivery delivery = producer->Send(ValueRecord("t", "v")).Get();
  EXPECT_THAT(delivery, StatusIs(ErrorCode::kDataLoss));
  EXPECT_THAT(std::string(delivery.status().message()), HasSubstr("data-2"));
  EXPECT_THAT(Admin(*client_).DescribeServer().Get(), StatusIs(ErrorCode::kDataLoss));
}

TEST_F(LinkTest, AClosedClientFailsWhatIsAskedOfIt) {
  Admin admin(MakeClient());
  broker_.SetScript([](const wire::RequestHeader& request) {
    return FakeAction{request.has_hello() ? FakeAction::kServe : FakeAction::kIgnore};
  });
  auto waiting = admin.DescribeServer();
  EXPECT_TRUE(broker_.AwaitCount(Kind::kServerInfo, 1));
  client_ = nullptr;
  EXPECT_THAT(waiting.Get(), StatusIs(ErrorCode::kShuttingDown));
  EXPECT_THAT(admin.DescribeServer().Get(), StatusIs(ErrorCode::kShuttingDown));
}

}  // namespace
}  // namespace leat
