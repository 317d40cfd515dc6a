// The log against a model: a list of records.

#include <algorithm>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/storage/log_world.h"

namespace leat {
namespace {

struct ModelRecord {
  Offset offset;
  int64_t timestamp_ms;
  std::string value;
};

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    world_.config.segment_bytes = random_.Between(600, 6000);
    world_.config.index_interval_bytes = random_.Between(0, 700);
    EXPECT_THAT(world_.Create(), IsOk());
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) Step();
    EXPECT_THAT(world_.Commit(), IsOk());
    CheckEverything();
  }

 private:
  void Step() {
    switch (random_.Below(12)) {
      case 0:
        EXPECT_THAT(world_.Commit(), IsOk());
        return;
      case 1:
        world_.runtime.RunUntilIdle();
        return;
      case 2:
        world_.log->Maintain();
        return;
      case 3:
        CheckRead();
        return;
      case 4:
        CheckTime();
        return;
      case 5:
        if (random_.Chance(0.1)) Reopen();
        return;
      default:
        Append();
    }
  }

  void Append() {
    std::vector<TestRecord> records(static_cast<size_t>(random_.Between(1, 5)));
    const Offset base = static_cast<Offset>(records_.size());
    for (size_t i = 0; i < records.size(); ++i) {
      now_ms_ += random_.Between(-20, 60);
      records[i].timestamp_ms = now_ms_;
      records[i].value = random_.Bytes(random_.Below(random_.Chance(0.1) ? 400 : 40));
    }
    const Codec codec = random_.Chance(0.2) ? Codec::kLz4 : Codec::kNone;
    const std::string batch = MakeBatch(records, {.codec = codec});
    if (static_cast<int64_t>(batch.size()) > world_.config.segment_bytes) {
      EXPECT_THAT(world_.Append(batch), StatusIs(ErrorCode::kBatchTooLarge));
      return;
    }
    ASSERT_OK_AND_ASSIGN(const AppendResult result, world_.Append(batch));
    EXPECT_EQ(result.base_offset, base);
    EXPECT_EQ(result.next_offset, base + static_cast<Offset>(records.size()));
    for (size_t i = 0; i < records.size(); ++i) {
      records_.push_back({base + static_cast<Offset>(i), records[i].timestamp_ms, *records[i].value});
    }
    batches_.push_back({base, AtOffset(batch, base, 3)});
  }

  // Exactly the batches that a reader may expect.
  void CheckRead() {
    const Offset visible = world_.log->visible_offset();
    const Offset from = static_cast<Offset>(random_.Below(static_cast<uint64_t>(visible) + 1));
    const uint64_t max_bytes = random_.Below(3000);
    ASSERT_OK_AND_ASSIGN(const LogSlice slice, world_.log->Read(from, max_bytes));
    if (from == visible) {
      EXPECT_EQ(slice.length, 0u);
      return;
    }
    std::string bytes(slice.length, '\0');
    ASSERT_THAT(slice.file->ReadAt(slice.position, absl::MakeSpan(bytes.data(), bytes.size())),
                IsOkAndHolds(bytes.size()));
    size_t i = batches_.size();
    while (batches_[i - 1].base > from) --i;
    std::string expected;
    const uint64_t position = slice.position;
    for (--i; i < batches_.size(); ++i) {
      const Batch& batch = batches_[i];
      if (batch.base >= visible) break;
      if (!expected.empty() && expected.size() + batch.bytes.size() > max_bytes) break;
      // A slice comes from one segment.
      if (expected.size() == bytes.size() && !expected.empty() && StartsSegment(batch.base)) break;
      expected += batch.bytes;
    }
    EXPECT_TRUE(bytes == expected) << "from " << from << ", at most " << max_bytes << ", at " << position
                                   << ": " << bytes.size() << " bytes instead of " << expected.size();
  }

  bool StartsSegment(Offset base) {
    char name[32];
    std::snprintf(name, sizeof name, "%020lld.log", static_cast<long long>(base));
    absl::StatusOr<bool> exists = world_.fs.Exists(world_.PathOf(name));
    return exists.ok() && *exists;
  }

  void CheckTime() {
    const Offset visible = world_.log->visible_offset();
    const int64_t target = now_ms_ + random_.Between(-3000, 100);
    ASSERT_OK_AND_ASSIGN(const std::optional<TimestampedOffset> found, world_.log->FindTimestamp(target));
    for (const ModelRecord& record : records_) {
      if (record.offset >= visible) break;
      if (record.timestamp_ms < target) continue;
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->offset, record.offset);
      EXPECT_EQ(found->timestamp_ms, record.timestamp_ms);
      return;
    }
    EXPECT_FALSE(found.has_value()) << found->offset;
  }

  void Reopen() {
    const bool clean = random_.Chance(0.5);
    if (clean) {
      ASSERT_THAT(world_.CloseCleanly(), IsOk());
    } else {
      world_.checkpoint = world_.log->checkpoint();
      world_.Drop();
      world_.fs.Crash(CrashPolicy::kProcess, 1);
    }
    ASSERT_THAT(world_.Open(clean), IsOk());
    EXPECT_EQ(world_.recovered.bytes_cut, 0u);
    if (clean) {
      EXPECT_THAT(world_.recovered.notes, ::testing::IsEmpty());
    }
    EXPECT_EQ(world_.log->visible_offset(), static_cast<Offset>(records_.size()));
  }

  void CheckEverything() {
    std::string expected;
    for (const Batch& batch : batches_) expected += batch.bytes;
    ASSERT_OK_AND_ASSIGN(const std::string all, world_.ReadAll(0, 2000));
    EXPECT_TRUE(all == expected) << all.size() << " bytes instead of " << expected.size();
    for (int i = 0; i < 20; ++i) {
      CheckRead();
      CheckTime();
    }
    ASSERT_THAT(world_.CloseCleanly(), IsOk());
    ASSERT_THAT(world_.Open(true), IsOk());
    EXPECT_THAT(world_.recovered.notes, ::testing::IsEmpty());
    EXPECT_EQ(world_.recovered.batches_scanned, 0u);
    EXPECT_EQ(world_.counters.indexes_rebuilt.load(), 0u);
  }

  struct Batch {
    Offset base;
    std::string bytes;
  };

  SeededRandom random_;
  LogWorld world_;
  int64_t now_ms_ = 1'700'000'000'000;
  std::vector<ModelRecord> records_;
  std::vector<Batch> batches_;
};

TEST(LogModelTest, ReadsAndFindsWhatWasAppended) {
  for (uint64_t seed = 1; seed <= 120 && !HasFailure(); ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Model(seed).Run(250);
  }
}

}  // namespace
}  // namespace leat
