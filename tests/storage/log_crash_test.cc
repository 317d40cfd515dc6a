// The machine stops at each change of the disk in turn; whatever a crash leaves, nothing that was
// acknowledged is lost.

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/storage/log_world.h"

namespace leat {
namespace {

// What was promised when the machine stopped.
struct Promise {
  std::vector<std::string> batches;  // as written, in order
  std::vector<Offset> ends;          // offset behind each
  Offset durable = 0;
  std::optional<CheckpointEntry> checkpoint;  // the last one that was written
};

// Appends, commits, rolls, writes checkpoints, closes and opens again, until the disk refuses.
class Workload {
 public:
  Workload(MemoryFileSystem& fs, uint64_t seed) : random_(seed), world_(&fs) {
    world_.config.segment_bytes = 700;
    world_.config.index_interval_bytes = 100;
  }

  Promise Run() {
    EXPECT_THAT(world_.fs.SyncDir("/data"), IsOk());
    if (!world_.Create().ok()) return promise_;
    if (!world_.fs.SyncDir("/data").ok()) return promise_;
    promise_.checkpoint = CheckpointEntry{.partition_id = 7};
    for (int i = 0; i < 16; ++i) {
      if (!Step(i)) break;
    }
    return promise_;
  }

 private:
  bool Step(int i) {
    for (int n = 0; n <= i % 3; ++n) {
      const std::string batch =
          MakeValueBatch(std::vector<std::string>(random_.Below(3) + 1, random_.Bytes(30)));
      absl::StatusOr<AppendResult> result = world_.Append(batch);
      if (!result.ok()) return false;
      promise_.batches.push_back(AtOffset(batch, result->base_offset, 3));
      promise_.ends.push_back(result->next_offset);
      if (random_.Chance(0.3)) world_.runtime.RunUntilIdle();
    }
    if (random_.Chance(0.7)) {
      if (!world_.Commit().ok()) return false;
      promise_.durable = world_.log->marks().durable;
    }
    if (random_.Chance(0.3)) promise_.checkpoint = world_.log->checkpoint();
    if (i == 9) return Reopen();
    return true;
  }

  bool Reopen() {
    if (!world_.CloseCleanly().ok()) return false;
    promise_.durable = promise_.ends.back();
    promise_.checkpoint = world_.checkpoint;
    if (!world_.Open(true).ok()) return false;
    return true;
  }

  SeededRandom random_;
  LogWorld world_;
  Promise promise_;
};

// How many of the batches are there; fails the test when one is not as written.
size_t CountBatches(LogWorld& world, const Promise& promise) {
  absl::StatusOr<std::string> all = world.ReadAll(0);
  EXPECT_THAT(all, IsOk());
  if (!all.ok()) return 0;
  absl::string_view rest = *all;
  size_t count = 0;
  for (; !rest.empty() && count < promise.batches.size(); ++count) {
    const std::string& batch = promise.batches[count];
    EXPECT_EQ(rest.substr(0, batch.size()), batch) << "batch " << count;
    rest.remove_prefix(std::min(rest.size(), batch.size()));
  }
  EXPECT_TRUE(rest.empty());
  return count;
}

void CheckRecovered(MemoryFileSystem& fs, const Promise& promise, bool with_checkpoint) {
  LogWorld world(&fs);
  world.config.segment_bytes = 700;
  world.config.index_interval_bytes = 100;
  if (with_checkpoint) world.checkpoint = promise.checkpoint;
  ASSERT_THAT(world.Open(), IsOk());
  const Offset end = world.log->visible_offset();
  ASSERT_GE(end, promise.durable);
  const bool fenced = !world.recovered.write_status.ok();
  if (fenced) {
    // Only possible where nothing says what was promised.
    ASSERT_FALSE(with_checkpoint) << world.recovered.write_status;
    for (Offset offset = 0; offset < promise.durable; ++offset) {
      EXPECT_THAT(world.log->Read(offset, 1), IsOk()) << "offset " << offset;
    }
  } else {
    const size_t count = CountBatches(world, promise);
    EXPECT_EQ(end, count == 0 ? 0 : promise.ends[count - 1]);
  }

  // What recovery shows is durable, and so is what it cut.
  const std::unique_ptr<MemoryFileSystem> unplugged = fs.Clone();
  unplugged->Crash(CrashPolicy::kPowerLossAll, 1);
  LogWorld after(unplugged.get());
  after.config = world.config;
  after.checkpoint = world.checkpoint;
  ASSERT_THAT(after.Open(), IsOk());
  EXPECT_EQ(after.log->visible_offset(), end);
  EXPECT_EQ(after.recovered.bytes_cut, 0u);

  // Recovering what was recovered finds nothing to do, and changes no file.
  const std::vector<std::string> names = world.Names();
  world.Drop();
  ASSERT_THAT(world.Open(), IsOk());
  EXPECT_EQ(world.log->visible_offset(), end);
  EXPECT_EQ(world.recovered.bytes_cut, 0u);
  EXPECT_EQ(world.recovered.indexes_rebuilt, 0u) << ::testing::PrintToString(world.recovered.notes);
  EXPECT_EQ(world.Names(), names);
  if (fenced) {
    EXPECT_THAT(world.Append(MakeValueBatch({"x"})), StatusIs(ErrorCode::kPartitionFenced));
    return;
  }
  EXPECT_THAT(world.Append(MakeValueBatch({"x"})), IsOk());
  EXPECT_THAT(world.Commit(), IsOk());
  EXPECT_EQ(world.log->visible_offset(), end + 1);
}

constexpr CrashPolicy kPolicies[] = {CrashPolicy::kProcess, CrashPolicy::kPowerLossAll,
                                     CrashPolicy::kPowerLossPrefix, CrashPolicy::kPowerLossSubset};

// The disk as the workload leaves it when the machine stops at `change`; null when it does not get that far.
std::unique_ptr<MemoryFileSystem> StopAt(uint64_t change, uint64_t seed, Promise* promise) {
  auto fs = std::make_unique<MemoryFileSystem>();
  EXPECT_THAT(fs->CreateDir("/data"), IsOk());
  EXPECT_THAT(fs->SyncDir("/"), IsOk());
  const uint64_t before = fs->changes();
  fs->StopAtChange(before + 2 + change);  // the directory of the world, its sync
  *promise = Workload(*fs, seed).Run();
  if (fs->changes() < before + 2 + change) return nullptr;
  return fs;
}

TEST(LogCrashTest, LosesNothingThatWasAcknowledged) {
  for (uint64_t change = 1; !HasFatalFailure(); ++change) {
    Promise promise;
    const std::unique_ptr<MemoryFileSystem> stopped = StopAt(change, 1, &promise);
    if (stopped == nullptr) {
      EXPECT_GT(change, 100u);
      return;
    }
    if (promise.checkpoint == std::nullopt) continue;  // the topic was never there
    for (const CrashPolicy policy : kPolicies) {
      for (uint64_t seed = 1; seed <= (policy == CrashPolicy::kPowerLossSubset ? 2u : 1u); ++seed) {
        for (const bool with_checkpoint : {true, false}) {
          SCOPED_TRACE(::testing::Message() << "change " << change << ", policy " << static_cast<int>(policy)
                                            << ", seed " << seed << ", checkpoint " << with_checkpoint);
          const std::unique_ptr<MemoryFileSystem> fs = stopped->Clone();
          fs->Crash(policy, seed);
          CheckRecovered(*fs, promise, with_checkpoint);
          if (HasFailure()) return;
        }
      }
    }
  }
}

// The same with another crash in the middle of recovery.
TEST(LogCrashTest, RecoveryMayCrashToo) {
  for (uint64_t change = 5; !HasFatalFailure(); change += 11) {
    Promise promise;
    const std::unique_ptr<MemoryFileSystem> stopped = StopAt(change, 2, &promise);
    if (stopped == nullptr) return;
    if (promise.checkpoint == std::nullopt) continue;
    stopped->Crash(CrashPolicy::kPowerLossSubset, change);
    for (uint64_t step = 1;; ++step) {
      const std::unique_ptr<MemoryFileSystem> fs = stopped->Clone();
      fs->StopAtChange(fs->changes() + step);
      RecoveryInput input{.dir = LogWorld::kDir, .name = "orders-0", .partition_id = 7};
      input.checkpoint = promise.checkpoint;
      input.index_interval_bytes = 100;
      if (RecoverPartition(*fs, input).ok()) break;
      for (const CrashPolicy policy : kPolicies) {
        SCOPED_TRACE(::testing::Message()
                     << "change " << change << ", step " << step << ", policy " << static_cast<int>(policy));
        const std::unique_ptr<MemoryFileSystem> again = fs->Clone();
        again->Crash(policy, step);
        CheckRecovered(*again, promise, true);
        if (HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace leat
