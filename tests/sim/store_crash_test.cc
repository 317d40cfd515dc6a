// Crashes at every single change of the disk, under every idea of what a crash leaves behind.

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/sim/store_model.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

constexpr CrashPolicy kPolicies[] = {CrashPolicy::kProcess, CrashPolicy::kPowerLossAll,
                                     CrashPolicy::kPowerLossPrefix, CrashPolicy::kPowerLossSubset};

// A small journal, so that the script turns to new files.
StoreOptions OptionsOf(CommitMode mode) {
  StoreOptions options;
  options.commit_mode = mode;
  options.journal_file_bytes = 16 << 10;
  options.journal_bytes_max = 64 << 10;
  return options;
}

class StoreCrashTest : public testing::TestWithParam<CommitMode> {
 protected:
  const StoreOptions options_ = OptionsOf(GetParam());
};

INSTANTIATE_TEST_SUITE_P(CommitModes, StoreCrashTest,
                         testing::Values(CommitMode::kAuto, CommitMode::kDirect, CommitMode::kJournal),
                         [](const auto& tested) {
                           return tested.param == CommitMode::kAuto     ? "Auto"
                                  : tested.param == CommitMode::kDirect ? "Direct"
                                                                        : "Journal";
                         });

// All that a store does, each at least once. False when the disk stopped on the way.
bool RunScript(SimStore& sim, StoreModel& model) {
  if (!sim.Open().ok()) return false;
  const std::vector<std::pair<std::string, std::string>> small = {{"segment_bytes", "1KiB"}};
  if (!model.Create(sim, {"orders", 2, small})) return false;
  for (int i = 0; i < 8; ++i) {
    if (!model.Append(sim, "orders", i % 2, {absl::StrCat("order ", i), std::string(300, 'o')})) return false;
    if (i % 3 == 2) sim.runtime().RunUntilIdle();
  }
  if (!model.Create(sim, {"logs", 1, {}})) return false;
  if (!model.Append(sim, "logs", 0, {"first"})) return false;
  sim.runtime().RunFor(absl::Seconds(6));
  if (!model.Alter(sim, "orders", {{{"flush_ms", "5ms"}}, {}, 4})) return false;
  if (!model.Append(sim, "orders", 3, {"new partition"})) return false;
  if (!model.Append(sim, "logs", 0, {"second"})) return false;
  if (!model.Delete(sim, "logs")) return false;
  if (!model.Create(sim, {"logs", 2, {}})) return false;
  if (!model.Append(sim, "logs", 1, {"another topic of the name"})) return false;
  sim.runtime().RunUntilIdle();
  if (!model.Append(sim, "orders", 0, {"uncommitted"})) return false;
  return sim.store().Close().ok();
}

// Changes of the disk that the whole script makes.
uint64_t CountChanges(uint64_t seed, const StoreOptions& options) {
  MemoryFileSystem fs;
  SimStore sim(fs, seed, options);
  StoreModel model;
  EXPECT_TRUE(RunScript(sim, model));
  return fs.changes();
}

// The store goes on as if nothing had happened, also through a clean stop.
testing::AssertionResult GoesOn(MemoryFileSystem& fs, StoreModel& model, const StoreOptions& options) {
  for (int life = 0; life < 2; ++life) {
    SimStore sim(fs, 77, options);
    if (absl::Status opened = sim.Open(); !opened.ok()) return testing::AssertionFailure() << opened;
    if (auto result = model.CheckAndAdopt(sim, fs); !result) return result << ", in life " << life;
    for (const std::string& topic : model.topics()) {
      if (!model.Append(sim, topic, 0, {absl::StrCat("life ", life)})) {
        return testing::AssertionFailure() << "no append to " << topic;
      }
    }
    sim.runtime().RunUntilIdle();
    model.NoteDurable(sim.listener());
    if (absl::Status closed = sim.store().Close(); !closed.ok()) return testing::AssertionFailure() << closed;
  }
  SimStore sim(fs, 78, options);
  if (absl::Status opened = sim.Open(); !opened.ok()) return testing::AssertionFailure() << opened;
  if (!sim.store().recovery().clean) return testing::AssertionFailure() << "the last stop was not clean";
  return model.CheckAndAdopt(sim, fs);
}

TEST_P(StoreCrashTest, NothingDurableIsLostWhereverItStops) {
  const uint64_t changes = CountChanges(1, options_);
  ASSERT_GT(changes, 100u);
  for (uint64_t stop = 1; stop <= changes; ++stop) {
    MemoryFileSystem fs;
    fs.StopAtChange(stop);
    StoreModel model;
    {
      SimStore sim(fs, 1, options_);
      EXPECT_FALSE(RunScript(sim, model) && stop < changes);
      model.NoteDurable(sim.listener());
    }
    for (CrashPolicy policy : kPolicies) {
      const bool random = policy == CrashPolicy::kPowerLossPrefix || policy == CrashPolicy::kPowerLossSubset;
      for (uint64_t seed = stop; seed < stop + (random ? 4 : 1); ++seed) {
        const std::unique_ptr<MemoryFileSystem> disk = fs.Clone();
        disk->Crash(policy, seed);
        StoreModel after = model;
        ASSERT_TRUE(GoesOn(*disk, after, options_))
            << "stopped at change " << stop << ", policy " << static_cast<int>(policy) << ", seed " << seed;
      }
    }
  }
}

// Recovery crashes as well, at every one of its changes.
TEST_P(StoreCrashTest, RecoveryMayBeInterruptedAnywhere) {
  const uint64_t changes = CountChanges(1, options_);
  for (uint64_t stop = 1; stop <= changes; stop += 7) {
    MemoryFileSystem fs;
    fs.StopAtChange(stop);
    StoreModel model;
    {
      SimStore sim(fs, 1, options_);
      RunScript(sim, model);
      model.NoteDurable(sim.listener());
    }
    for (CrashPolicy policy : {CrashPolicy::kProcess, CrashPolicy::kPowerLossSubset}) {
      const std::unique_ptr<MemoryFileSystem> crashed = fs.Clone();
      crashed->Crash(policy, stop);
      for (uint64_t again = 1;; ++again) {
        const std::unique_ptr<MemoryFileSystem> disk = crashed->Clone();
        disk->StopAtChange(disk->changes() + again);
        bool complete = false;
        {
          SimStore sim(*disk, 2, options_);
          complete = sim.Open().ok();
        }
        disk->Crash(policy, stop + again);
        StoreModel after = model;
        ASSERT_TRUE(GoesOn(*disk, after, options_))
            << "stopped at change " << stop << ", then at change " << again << " of recovery, policy "
            << static_cast<int>(policy);
        if (complete) break;
      }
    }
  }
}

// A power loss hits what the first recovery left, before any clean stop.
TEST_P(StoreCrashTest, PowerLossAfterRecovery) {
  const uint64_t changes = CountChanges(1, options_);
  for (uint64_t stop = 1; stop <= changes; ++stop) {
    MemoryFileSystem fs;
    fs.StopAtChange(stop);
    StoreModel model;
    {
      SimStore sim(fs, 1, options_);
      RunScript(sim, model);
      model.NoteDurable(sim.listener());
    }
    for (CrashPolicy policy : kPolicies) {
      // The first start makes the most names.
      const uint64_t seeds = policy != CrashPolicy::kPowerLossSubset ? 1 : stop < 40 ? 20 : 3;
      for (uint64_t seed = stop; seed < stop + seeds; ++seed) {
        for (CrashPolicy second : {CrashPolicy::kPowerLossAll, CrashPolicy::kPowerLossSubset}) {
          SCOPED_TRACE(absl::StrCat("stopped at change ", stop, ", policy ", static_cast<int>(policy),
                                    ", seed ", seed, ", then policy ", static_cast<int>(second)));
          const std::unique_ptr<MemoryFileSystem> disk = fs.Clone();
          disk->Crash(policy, seed);
          StoreModel after = model;
          {
            SimStore sim(*disk, 5, options_);
            ASSERT_THAT(sim.Open(), IsOk());
            ASSERT_TRUE(after.CheckAndAdopt(sim, *disk));
            for (const std::string& topic : after.topics())
              ASSERT_TRUE(after.Append(sim, topic, 0, {"again"}));
            ASSERT_TRUE(after.Create(sim, {"fresh", 1, {}}));
            ASSERT_TRUE(after.Append(sim, "fresh", 0, {"first"}));
            sim.runtime().RunUntilIdle();
            after.NoteDurable(sim.listener());
          }
          disk->Crash(second, seed);
          ASSERT_TRUE(GoesOn(*disk, after, options_));
        }
      }
    }
  }
}

// Operations at random over several lives of one disk.
TEST_P(StoreCrashTest, RandomLives) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SeededRandom random(seed);
    MemoryFileSystem fs;
    StoreModel model;
    for (int life = 0; life < 4; ++life) {
      {
        SimStore sim(fs, random.Next(), options_);
        if (random.Chance(0.3)) fs.StopAtChange(fs.changes() + 1 + random.Below(40));
        bool alive = sim.Open().ok();
        fs.StopAtChange(0);
        if (alive) {
          ASSERT_TRUE(model.CheckAndAdopt(sim, fs)) << "seed " << seed << ", life " << life;
        }
        if (random.Chance(0.8)) fs.StopAtChange(fs.changes() + 1 + random.Below(200));
        for (int step = 0; alive && step < 60; ++step) {
          const std::string topic = absl::StrCat("t", random.Below(3));
          const bool exists = model.topics().contains(topic);
          if (!exists) {
            alive = model.Create(
                sim, {topic, 1 + static_cast<uint32_t>(random.Below(3)), {{"segment_bytes", "1KiB"}}});
          } else if (random.Chance(0.04)) {
            alive = model.Delete(sim, topic);
          } else if (random.Chance(0.05)) {
            alive = model.Alter(sim, topic, {{}, {}, model.PartitionCount(topic) + 1});
          } else {
            alive = model.Append(sim, topic, static_cast<uint32_t>(random.Below(model.PartitionCount(topic))),
                                 {std::string(random.Below(600), static_cast<char>('a' + step % 26))});
          }
          if (random.Chance(0.3)) sim.runtime().RunFor(absl::Milliseconds(random.Below(3000)));
        }
        if (alive && random.Chance(0.3)) sim.store().Close().IgnoreError();
        model.NoteDurable(sim.listener());
      }
      fs.Crash(kPolicies[random.Below(4)], random.Next());
    }
    ASSERT_TRUE(GoesOn(fs, model, options_)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace leat
