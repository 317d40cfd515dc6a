// Topics: rules, life, limits.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/store_harness.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class StoreTopicsTest : public testing::Test {
 protected:
  SimStore& Start(StoreOptions options = {}) {
    sim_.reset();
    sim_ = std::make_unique<SimStore>(fs_, ++seed_, options);
    EXPECT_THAT(sim_->Open(), IsOk());
    return *sim_;
  }
  LogStore& store() { return sim_->store(); }

  MemoryFileSystem fs_;
  uint64_t seed_ = 0;
  std::unique_ptr<SimStore> sim_;
};

TEST(TopicNameTest, Rules) {
  for (const char* name : {"a", "Orders_2.eu-west", "...", "-", "__internal"}) {
    EXPECT_THAT(CheckTopicName(name), IsOk()) << name;
  }
  EXPECT_THAT(CheckTopicName(std::string(249, 'x')), IsOk());
  for (const char* name : {"", ".", "..", "a b", "a/b", "../etc", "ä", "a\n"}) {
    EXPECT_THAT(CheckTopicName(name), StatusIs(ErrorCode::kInvalidTopicName)) << name;
  }
  EXPECT_THAT(CheckTopicName(std::string(250, 'x')), StatusIs(ErrorCode::kInvalidTopicName));
  EXPECT_THAT(CheckTopicName(std::string("a\0b", 3)), StatusIs(ErrorCode::kInvalidTopicName));
}

TEST_F(StoreTopicsTest, CreationSaysWhatIsWrong) {
  StoreOptions options;
  options.topics_max = 2;
  options.partitions_max = 10;
  options.partitions_per_topic_max = 6;
  Start(options);
  ASSERT_THAT(store().CreateTopic({"first", 6, {}}), IsOk());
  const auto before = Snapshot(fs_, kStoreDir);
  const std::vector<std::pair<TopicSpec, ErrorCode>> cases = {
      {{"first", 1, {}}, ErrorCode::kTopicExists},
      {{"a/b", 1, {}}, ErrorCode::kInvalidTopicName},
      {{"__metadata", 1, {}}, ErrorCode::kInvalidTopicName},
      {{"none", 0, {}}, ErrorCode::kInvalidPartitionCount},
      {{"many", 7, {}}, ErrorCode::kInvalidPartitionCount},
      {{"many", 5, {}}, ErrorCode::kLimitExceeded},
      {{"new", 1, {{"segment_byte", "1MiB"}}}, ErrorCode::kInvalidConfig},
      {{"new", 1, {{"segment_bytes", "-1"}}}, ErrorCode::kInvalidConfig},
      {{"new", 1, {{"flush_ms", "1s"}, {"flush_ms", "2s"}}}, ErrorCode::kInvalidConfig}};
  for (const auto& [spec, code] : cases) {
    EXPECT_THAT(store().ValidateCreate(spec), StatusIs(code)) << spec.name;
    EXPECT_THAT(store().CreateTopic(spec), StatusIs(code)) << spec.name;
  }
  EXPECT_EQ(Snapshot(fs_, kStoreDir), before);
  EXPECT_THAT(store().ValidateCreate({"second", 4, {}}), IsOk());
  EXPECT_THAT(store().CreateTopic({"second", 4, {}}), IsOk());
  EXPECT_THAT(store().CreateTopic({"third", 1, {}}), StatusIs(ErrorCode::kLimitExceeded));
  ASSERT_THAT(store().DeleteTopic("first"), IsOk());
  EXPECT_THAT(store().CreateTopic({"third", 6, {}}), IsOk());
}

TEST_F(StoreTopicsTest, SettingsAreKeptInTheirCanonicalForm) {
  StoreOptions options;
  options.topic_defaults.flush_ms = 77;
  Start(options);
  const std::vector<std::pair<std::string, std::string>> canonical = {{"durability", "written"},
                                                                      {"segment_bytes", "1MiB"}};
  uint64_t id = 0;
  {
    const TopicSpec spec{"orders", 1, {{"segment_bytes", "1048576"}, {"durability", "written"}}};
    ASSERT_OK_AND_ASSIGN(const TopicPtr created, store().CreateTopic(spec));
    EXPECT_EQ(created->config.segment_bytes, 1 << 20);
    EXPECT_EQ(created->config.flush_ms, 77);
    EXPECT_EQ(created->overrides, canonical);
    id = created->id;
  }
  // What was not set follows the defaults.
  options.topic_defaults.flush_ms = 88;
  Start(options);
  const TopicPtr found = store().FindTopic("orders");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->overrides, canonical);
  EXPECT_EQ(found->config.segment_bytes, 1 << 20);
  EXPECT_EQ(found->config.flush_ms, 88);
  EXPECT_EQ(found->id, id);
}

TEST_F(StoreTopicsTest, AlterationChangesSettingsAndAddsPartitions) {
  SimStore& sim = Start();
  ASSERT_THAT(store().CreateTopic({"orders", 2, {{"flush_ms", "10ms"}}}), IsOk());
  ASSERT_THAT(sim.Append("orders", 1, {"kept"}), IsOk());
  sim.runtime().RunUntilIdle();
  {
    const TopicPtr before = store().FindTopic("orders");
    ASSERT_OK_AND_ASSIGN(const TopicPtr after,
                         store().AlterTopic("orders", {{{"durability", "written"}}, {"flush_ms"}, 5}));
    EXPECT_EQ(before->partitions.size(), 2u);
    EXPECT_EQ(after->partitions.size(), 5u);
    EXPECT_EQ(after->partitions[1], before->partitions[1]);
    EXPECT_EQ(after->config.durability, TopicDurability::kWritten);
    EXPECT_EQ(after->config.flush_ms, TopicConfig().flush_ms);
  }
  ASSERT_THAT(sim.Append("orders", 4, {"new"}), IsOk());
  ASSERT_THAT(sim.Append("orders", 1, {"old"}, CommitUrgency::kLater), IsOk());
  EXPECT_THAT(sim.ReadAll("orders", 1), IsOkAndHolds(std::vector<std::string>{"kept", "old"}));
  ASSERT_THAT(store().Close(), IsOk());
  SimStore& next = Start();
  EXPECT_EQ(store().FindTopic("orders")->partitions.size(), 5u);
  EXPECT_THAT(next.ReadAll("orders", 4), IsOkAndHolds(std::vector<std::string>{"new"}));
  EXPECT_THAT(next.ReadAll("orders", 1), IsOkAndHolds(std::vector<std::string>{"kept", "old"}));
}

TEST_F(StoreTopicsTest, AlterationSaysWhatIsWrong) {
  StoreOptions options;
  options.partitions_per_topic_max = 4;
  Start(options);
  ASSERT_THAT(store().CreateTopic({"orders", 2, {}}), IsOk());
  const std::vector<std::pair<TopicChange, ErrorCode>> cases = {
      {{{}, {}, 1}, ErrorCode::kInvalidPartitionCount},
      {{{}, {}, 5}, ErrorCode::kInvalidPartitionCount},
      {{{{"nonsense", "1"}}, {}, 0}, ErrorCode::kInvalidConfig},
      {{{{"flush_ms", "forever"}}, {}, 0}, ErrorCode::kInvalidConfig},
      {{{}, {"flush_msec"}, 0}, ErrorCode::kInvalidConfig}};
  for (const auto& [change, code] : cases) {
    EXPECT_THAT(store().ValidateAlter("orders", change), StatusIs(code));
    EXPECT_THAT(store().AlterTopic("orders", change), StatusIs(code));
  }
  EXPECT_THAT(store().AlterTopic("unknown", {}), StatusIs(ErrorCode::kUnknownTopic));
  EXPECT_THAT(store().DeleteTopic("unknown"), StatusIs(ErrorCode::kUnknownTopic));
}

TEST_F(StoreTopicsTest, DeletionFreesTheNameAndThenTheSpace) {
  SimStore& sim = Start();
  ASSERT_THAT(store().CreateTopic({"orders", 2, {}}), IsOk());
  ASSERT_THAT(sim.Append("orders", 0, {"old"}), IsOk());
  sim.runtime().RunUntilIdle();
  ASSERT_THAT(sim.Append("orders", 0, {"waits"}), IsOk());
  const TopicPtr old = store().FindTopic("orders");
  ASSERT_OK_AND_ASSIGN(const LogSlice slice, old->partitions[0]->Read(0, 1000));
  ASSERT_THAT(store().DeleteTopic("orders"), IsOk());
  EXPECT_EQ(store().FindTopic("orders"), nullptr);
  // Whoever waits for the second record hears that the topic is gone.
  ASSERT_FALSE(sim.listener().errors().empty());
  EXPECT_THAT(sim.listener().errors()[0], StatusIs(ErrorCode::kUnknownTopic));
  std::string batch(slice.length, '\0');
  EXPECT_THAT(slice.file->ReadAt(slice.position, absl::MakeSpan(batch)), IsOkAndHolds(slice.length));
  EXPECT_THAT(old->partitions[0]->Read(0, 1000), StatusIs(ErrorCode::kUnknownTopic));

  ASSERT_OK_AND_ASSIGN(const TopicPtr fresh, store().CreateTopic({"orders", 1, {}}));
  EXPECT_GT(fresh->id, old->id);
  EXPECT_GT(fresh->partitions[0]->id(), old->partitions[1]->id());
  EXPECT_THAT(sim.ReadAll("orders", 0), IsOkAndHolds(std::vector<std::string>{}));
  ASSERT_THAT(sim.Append("orders", 0, {"new"}), IsOk());
  sim.runtime().RunUntilIdle();
  EXPECT_THAT(fs_.List(absl::StrCat(kStoreDir, "/deleted")), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(sim.ReadAll("orders", 0), IsOkAndHolds(std::vector<std::string>{"new"}));
  EXPECT_THAT(sim.listener().failures(), IsEmpty());
}

TEST_F(StoreTopicsTest, TopicsAreListedByName) {
  Start();
  for (const char* name : {"b", "a-1", "a", "__internal"}) {
    ASSERT_THAT(store().CreateTopic({name, 2, {}}), IsOk());
  }
  std::vector<std::string> names;
  for (const TopicPtr& topic : store().Topics()) names.push_back(topic->name);
  EXPECT_EQ(names, (std::vector<std::string>{"__internal", "a", "a-1", "b"}));
  EXPECT_TRUE(store().FindTopic("__internal")->internal());
}

TEST_F(StoreTopicsTest, AThousandPartitionsOpenAgain) {
  SimStore* sim = &Start();
  ASSERT_THAT(store().CreateTopic({"wide", 1000, {}}), IsOk());
  for (uint32_t p = 0; p < 1000; ++p) ASSERT_THAT(sim->Append("wide", p, {absl::StrCat(p)}), IsOk());
  sim->runtime().RunUntilIdle();
  for (const bool clean : {false, true}) {
    if (clean) {
      ASSERT_THAT(store().Close(), IsOk());
    }
    sim = &Start();
    EXPECT_EQ(store().recovery().clean, clean);
    EXPECT_EQ(store().recovery().partitions, 1000u);
    for (uint32_t p = 0; p < 1000; p += 37) {
      EXPECT_THAT(sim->ReadAll("wide", p), IsOkAndHolds(std::vector<std::string>{absl::StrCat(p)}));
    }
  }
}

}  // namespace
}  // namespace leat
