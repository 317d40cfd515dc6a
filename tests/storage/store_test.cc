// One life of a store: topics, appends, commits, clean stop and start.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/store_harness.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class StoreTest : public testing::Test {
 protected:
  // The next life on the same disk.
  SimStore& Start(StoreOptions options = {}) {
    sim_.reset();
    sim_ = std::make_unique<SimStore>(fs_, ++seed_, options);
    const absl::Status opened = sim_->Open();
    EXPECT_THAT(opened, IsOk());
    return *sim_;
  }
  LogStore& store() { return sim_->store(); }

  MemoryFileSystem fs_;
  uint64_t seed_ = 0;
  std::unique_ptr<SimStore> sim_;
};

TEST_F(StoreTest, FirstStartIsFreshAndCleanAndHasNoTopics) {
  Start();
  EXPECT_TRUE(store().recovery().fresh);
  EXPECT_TRUE(store().recovery().clean);
  EXPECT_THAT(store().recovery().notes, IsEmpty());
  EXPECT_THAT(store().Topics(), IsEmpty());
  EXPECT_EQ(store().data_id().size(), 36u);
}

TEST_F(StoreTest, AppendsBecomeDurableAndVisibleInOneGroup) {
  SimStore& sim = Start();
  ASSERT_THAT(store().CreateTopic({"orders", 3, {}}), IsOk());
  for (uint32_t p = 0; p < 3; ++p) {
    ASSERT_THAT(sim.Append("orders", p, {"a", "b"}), IsOkAndHolds(0));
    ASSERT_THAT(sim.Append("orders", p, {"c"}), IsOkAndHolds(2));
    EXPECT_THAT(sim.ReadAll("orders", p), IsOkAndHolds(std::vector<std::string>{}));
  }
  sim.runtime().RunUntilIdle();
  EXPECT_EQ(sim.listener().calls(), 1u);
  for (uint32_t p = 0; p < 3; ++p) {
    const PartitionLog& log = *store().FindTopic("orders")->partitions[p];
    EXPECT_EQ(log.marks().durable, 3);
    EXPECT_EQ(sim.listener().Durable(log.id()), 3);
    EXPECT_THAT(sim.ReadAll("orders", p), IsOkAndHolds(std::vector<std::string>{"a", "b", "c"}));
  }
  EXPECT_EQ(store().stats().commit_groups, 1u);
  EXPECT_EQ(store().stats().journal_groups, 0u);
  EXPECT_EQ(store().stats().sync.count, 3u);
  EXPECT_EQ(store().stats().appended_batches, 6u);
}

TEST_F(StoreTest, ManyPartitionsAreSyncedByHelpers) {
  SimStore& sim = Start();
  ASSERT_THAT(store().CreateTopic({"wide", 100, {}}), IsOk());
  for (uint32_t p = 0; p < 100; ++p) ASSERT_THAT(sim.Append("wide", p, {"x"}), IsOk());
  sim.runtime().RunUntilIdle();
  EXPECT_EQ(sim.listener().calls(), 1u);
  for (uint32_t p = 0; p < 100; ++p) {
    EXPECT_EQ(store().FindTopic("wide")->partitions[p]->marks().durable, 1);
  }
}

TEST_F(StoreTest, WrittenTopicsAreVisibleAtOnceAndFlushedInTime) {
  SimStore& sim = Start();
  ASSERT_THAT(store().CreateTopic({"metrics", 1, {{"durability", "written"}, {"flush_ms", "100ms"}}}),
              IsOk());
  ASSERT_THAT(sim.Append("metrics", 0, {"a"}, CommitUrgency::kLater), IsOk());
  EXPECT_THAT(sim.ReadAll("metrics", 0), IsOkAndHolds(std::vector<std::string>{"a"}));
  sim.runtime().RunFor(absl::Milliseconds(50));
  EXPECT_EQ(store().FindTopic("metrics")->partitions[0]->marks().durable, 0);
  sim.runtime().RunFor(absl::Milliseconds(60));
  EXPECT_EQ(store().FindTopic("metrics")->partitions[0]->marks().durable, 1);
  // Somebody who waits takes along what could have waited, and the timer then finds nothing to do.
  ASSERT_THAT(sim.Append("metrics", 0, {"b"}, CommitUrgency::kLater), IsOk());
  ASSERT_THAT(sim.Append("metrics", 0, {"c"}, CommitUrgency::kNow), IsOk());
  sim.runtime().RunUntilIdle();
  EXPECT_EQ(store().FindTopic("metrics")->partitions[0]->marks().durable, 3);
  const uint64_t groups = store().stats().commit_groups;
  sim.runtime().RunFor(absl::Milliseconds(200));
  EXPECT_EQ(store().stats().commit_groups, groups);
}

TEST_F(StoreTest, CleanStopAndStartScanNothing) {
  SimStore* sim = &Start();
  ASSERT_THAT(store().CreateTopic({"orders", 2, {{"segment_bytes", "1KiB"}}}), IsOk());
  for (int i = 0; i < 100; ++i) ASSERT_THAT(sim->Append("orders", 1, {absl::StrCat("value ", i)}), IsOk());
  ASSERT_THAT(store().Close(), IsOk());
  EXPECT_THAT(store().Close(), IsOk());
  EXPECT_THAT(sim->Append("orders", 0, {"late"}), StatusIs(ErrorCode::kShuttingDown));
  EXPECT_THAT(store().CreateTopic({"late", 1, {}}), StatusIs(ErrorCode::kShuttingDown));
  const std::string id = store().data_id();
  sim = &Start();
  EXPECT_TRUE(store().recovery().clean);
  EXPECT_FALSE(store().recovery().fresh);
  EXPECT_EQ(store().recovery().batches_scanned, 0u);
  EXPECT_EQ(store().recovery().partitions, 2u);
  EXPECT_THAT(store().recovery().notes, IsEmpty());
  EXPECT_EQ(store().data_id(), id);
  EXPECT_EQ(store().FindTopic("orders")->partitions[1]->state().leader_epoch, 0);
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> values, sim->ReadAll("orders", 1));
  ASSERT_EQ(values.size(), 100u);
  EXPECT_EQ(values[99], "value 99");
}

TEST_F(StoreTest, UncleanStartRaisesTheLeaderEpochAndCleanOneDoesNot) {
  SimStore* sim = &Start();
  ASSERT_THAT(store().CreateTopic({"orders", 1, {}}), IsOk());
  for (int unclean = 1; unclean <= 3; ++unclean) {
    sim = &Start();
    EXPECT_FALSE(store().recovery().clean);
    EXPECT_EQ(store().FindTopic("orders")->partitions[0]->state().leader_epoch, unclean);
    ASSERT_THAT(sim->Append("orders", 0, {absl::StrCat(unclean)}), IsOk());
    sim->runtime().RunUntilIdle();
  }
  ASSERT_THAT(store().Close(), IsOk());
  Start();
  EXPECT_EQ(store().FindTopic("orders")->partitions[0]->state().leader_epoch, 3);
}

TEST_F(StoreTest, AStartTakesTheCleanMarkBack) {
  Start();
  ASSERT_THAT(store().CreateTopic({"orders", 1, {}}), IsOk());
  ASSERT_THAT(store().Close(), IsOk());
  Start();
  EXPECT_TRUE(store().recovery().clean);
  Start();
  EXPECT_FALSE(store().recovery().clean);
}

TEST_F(StoreTest, CheckpointFollowsCommitsAndRolls) {
  SimStore& sim = Start();
  ASSERT_THAT(store().CreateTopic({"orders", 1, {{"segment_bytes", "1KiB"}}}), IsOk());
  sim.runtime().RunFor(absl::Seconds(20));
  const uint64_t idle = store().stats().checkpoints_written;
  sim.runtime().RunFor(absl::Seconds(60));
  EXPECT_EQ(store().stats().checkpoints_written, idle);
  ASSERT_THAT(sim.Append("orders", 0, {"a"}), IsOk());
  sim.runtime().RunFor(absl::Seconds(6));
  EXPECT_EQ(store().stats().checkpoints_written, idle + 1);
  ASSERT_THAT(sim.Append("orders", 0, {std::string(700, 'x')}), IsOk());
  ASSERT_THAT(sim.Append("orders", 0, {std::string(700, 'x')}), IsOk());
  sim.runtime().RunFor(absl::Seconds(1));
  EXPECT_EQ(store().stats().segments_rolled, 1u);
  EXPECT_EQ(store().stats().checkpoints_written, idle + 2);
}

TEST_F(StoreTest, TopicsRollByAge) {
  SimStore& sim = Start();
  ASSERT_THAT(store().CreateTopic({"slow", 1, {{"segment_ms", "10s"}}}), IsOk());
  ASSERT_THAT(sim.Append("slow", 0, {"a"}), IsOk());
  sim.runtime().RunFor(absl::Seconds(5));
  EXPECT_EQ(store().stats().segments_rolled, 0u);
  sim.runtime().RunFor(absl::Seconds(7));
  EXPECT_EQ(store().stats().segments_rolled, 1u);
  EXPECT_THAT(sim.ReadAll("slow", 0), IsOkAndHolds(std::vector<std::string>{"a"}));
}

TEST_F(StoreTest, OpenFilesAreCountedAndBounded) {
  StoreOptions options;
  options.open_files_max = 10;
  SimStore& sim = Start(options);
  ASSERT_THAT(store().CreateTopic({"wide", 50, {}}), IsOk());
  for (uint32_t p = 0; p < 50; ++p) {
    ASSERT_THAT(sim.Append("wide", p, {"x"}), IsOk());
    sim.runtime().RunUntilIdle();
  }
  EXPECT_LE(store().stats().open_files, 10u);
  for (uint32_t p = 0; p < 50; ++p) {
    EXPECT_THAT(sim.ReadAll("wide", p), IsOkAndHolds(std::vector<std::string>{"x"}));
  }
}

TEST_F(StoreTest, SecondStoreOnTheDirectoryIsRefusedAndTouchesNothing) {
  Start();
  ASSERT_THAT(store().CreateTopic({"orders", 1, {}}), IsOk());
  const auto before = Snapshot(fs_, kStoreDir);
  SimStore second(fs_, 99);
  const absl::Status refused = second.Open();
  EXPECT_THAT(refused, StatusIs(ErrorCode::kDirectoryLocked));
  EXPECT_EQ(Snapshot(fs_, kStoreDir), before);
  sim_.reset();
  EXPECT_THAT(second.Open(), IsOk());
}

}  // namespace
}  // namespace leat
