#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"
#include "storage/log/index_builder.h"
#include "storage/log/index_entry.h"
#include "storage/log/index_file.h"
#include "storage/log/segment_index.h"
#include "tests/storage/log_world.h"

namespace leat {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kTime = 1'700'000'000'000;

TEST(IndexEntryTest, GoldenBytes) {
  EXPECT_EQ(EncodeEntries<OffsetEntry>({{43, 0}}, 0), absl::HexStringToBytes("0000002b00000000"));
  EXPECT_EQ(EncodeEntries<TimeEntry>({{kTime + 5, 43}}, 0),
            absl::HexStringToBytes("0000018bcfe568050000002b"));
  // Offsets are relative to the segment's base.
  EXPECT_EQ(EncodeEntries<OffsetEntry>({{1'000'043, 0}}, 1'000'000),
            absl::HexStringToBytes("0000002b00000000"));
  EXPECT_THAT(DecodeEntries<OffsetEntry>(absl::HexStringToBytes("0000002b00000010ffff"), 100),
              ElementsAre(OffsetEntry{143, 16}));
}

TEST(IndexBuilderTest, FollowsTheWriteRule) {
  IndexBuilder builder;
  builder.Add({0, 9, kTime}, 100);         // the first batch never has an entry
  builder.Add({100, 19, kTime + 5}, 100);  // exactly the interval is not more than it
  EXPECT_THAT(builder.offsets, IsEmpty());
  builder.Add({101, 29, kTime + 3}, 100);
  EXPECT_THAT(builder.offsets, ElementsAre(OffsetEntry{29, 101}));
  // The earliest batch that has the maximum, not the one that was indexed.
  EXPECT_THAT(builder.times, ElementsAre(TimeEntry{kTime + 5, 19}));
  builder.Add({300, 39, kTime + 5}, 100);
  EXPECT_EQ(builder.offsets.size(), 2u);
  EXPECT_EQ(builder.times.size(), 1u);  // did not grow
  builder.Add({310, 49, kTime + 6}, 100);
  builder.Finish();
  builder.Finish();
  EXPECT_THAT(builder.times, ElementsAre(TimeEntry{kTime + 5, 19}, TimeEntry{kTime + 6, 49}));
}

TEST(IndexFileTest, SearchFindsTheLastEntryBefore) {
  MemoryFileSystem fs;
  for (const uint32_t count : {0u, 1u, 2u, 63u, 64u, 65u, 127u, 128u, 129u, 1000u}) {
    std::vector<OffsetEntry> entries;
    for (uint32_t i = 0; i < count; ++i) entries.push_back({50 + 10 * i, 7 * i + 1});
    ASSERT_THAT(WriteCacheFile(fs, "", "index", EncodeEntries(entries, 50)), IsOk());
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file, fs.Open("/index", OpenMode::kRead));
    for (Offset target = 45; target < 50 + 10 * count + 10; target += 5) {
      // A count beyond the file's end is no trouble.
      for (const uint32_t claimed : {count, count + 100}) {
        ASSERT_OK_AND_ASSIGN(const std::optional<OffsetEntry> found,
                             FindLastEntry<OffsetEntry>(*file, claimed, 50, [target](const OffsetEntry& e) {
                               return e.last_offset <= target;
                             }));
        const int64_t index = target < 50 ? -1 : std::min<int64_t>((target - 50) / 10, int64_t{count} - 1);
        ASSERT_EQ(found.has_value(), index >= 0) << count << " " << target;
        if (found) {
          ASSERT_EQ(*found, entries[static_cast<size_t>(index)]);
        }
      }
    }
  }
}

// A log with three sealed segments and an active one, indexes written.
class LogIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(world_.Create(), IsOk());
    for (int i = 0; i < 120; ++i) {
      ASSERT_THAT(world_.Append(MakeValueBatch({std::string(40, 'v')}, kTime + i / 2 * 10)), IsOk());
    }
    ASSERT_THAT(world_.CloseCleanly(), IsOk());
    for (const std::string& name : world_.Names()) {
      if (name.find("index") != std::string::npos) indexes_.push_back({name, world_.Get(name)});
    }
    ASSERT_EQ(indexes_.size(), 8u);
  }
  void ExpectFilesAsBefore() {
    for (const auto& [name, bytes] : indexes_) EXPECT_EQ(world_.Get(name), bytes) << name;
  }
  void ExpectRightAnswers() {
    for (Offset offset = 0; offset < 120; offset += 7) {
      ASSERT_OK_AND_ASSIGN(const LogSlice slice, world_.log->Read(offset, 1));
      char bytes[8];
      ASSERT_THAT(slice.file->ReadAt(slice.position, absl::MakeSpan(bytes)), IsOkAndHolds(8u));
      EXPECT_EQ(LoadBigEndian<int64_t>(bytes), offset);
      ASSERT_OK_AND_ASSIGN(const auto found, world_.log->FindTimestamp(kTime + offset / 2 * 10));
      ASSERT_TRUE(found.has_value());
      EXPECT_EQ(found->offset, offset / 2 * 2);
    }
  }

  LogWorld world_;
  std::vector<std::pair<std::string, std::string>> indexes_;
};

TEST_F(LogIndexTest, EntriesNameTheBatchesTheyShould) {
  for (const auto& [name, bytes] : indexes_) {
    const Offset base = std::stoll(name);
    const std::string log = world_.Get(name.substr(0, 20) + ".log");
    if (name.find("time") == std::string::npos) {
      const std::vector<OffsetEntry> entries = DecodeEntries<OffsetEntry>(bytes, base);
      EXPECT_GT(entries.size(), 1u);
      for (const OffsetEntry& entry : entries) {
        ASSERT_OK_AND_ASSIGN(const BatchHeader header,
                             ParseBatchHeader(absl::string_view(log).substr(entry.position)));
        EXPECT_EQ(header.last_offset(), entry.last_offset);
      }
    } else {
      const std::vector<TimeEntry> entries = DecodeEntries<TimeEntry>(bytes, base);
      EXPECT_GT(entries.size(), 1u);
      for (const TimeEntry& entry : entries)
        EXPECT_EQ(entry.timestamp_ms, kTime + entry.last_offset / 2 * 10);
    }
  }
}

TEST_F(LogIndexTest, MissingFilesAreRebuiltAndReported) {
  for (const auto& [name, bytes] : indexes_) {
    ASSERT_THAT(world_.fs.Remove(world_.PathOf(name)), IsOk());
    ASSERT_THAT(world_.Open(true), IsOk());
    EXPECT_THAT(world_.recovered.notes, ElementsAre("rebuilt " + name + " of orders-0: missing"));
    EXPECT_EQ(world_.recovered.indexes_rebuilt, 1u);
    ExpectRightAnswers();
    ASSERT_THAT(world_.CloseCleanly(), IsOk());
    ExpectFilesAsBefore();
  }
}

TEST_F(LogIndexTest, TruncatedFilesAreRebuiltAndReported) {
  for (const auto& [name, bytes] : indexes_) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      world_.Put(name, bytes.substr(0, size));
      ASSERT_THAT(world_.Open(true), IsOk());
      ASSERT_THAT(world_.recovered.notes, ElementsAre(HasSubstr("rebuilt " + name))) << size;
      ASSERT_THAT(world_.CloseCleanly(), IsOk());
      ASSERT_EQ(world_.Get(name), bytes) << size;
    }
  }
}

TEST_F(LogIndexTest, GarbageIsRebuiltAndReported) {
  SeededRandom random(1);
  for (const auto& [name, bytes] : indexes_) {
    for (const std::string& garbage :
         {random.Bytes(bytes.size()), random.Bytes(3), std::string(bytes.size(), '\0'),
          std::string(bytes.size(), '\xff'), bytes + bytes, random.Bytes(100'000)}) {
      world_.Put(name, garbage);
      ASSERT_THAT(world_.Open(true), IsOk());
      EXPECT_THAT(world_.recovered.notes, ElementsAre(HasSubstr("rebuilt " + name)));
      ExpectRightAnswers();
      ASSERT_THAT(world_.CloseCleanly(), IsOk());
      ExpectFilesAsBefore();
    }
  }
}

// A flip that the check at the start does not see is met by a reader, who is not misled and has the index
// rebuilt.
TEST_F(LogIndexTest, NoFlippedBitMisleadsAReader) {
  int repaired = 0;
  for (const auto& [name, bytes] : indexes_) {
    for (size_t bit = 0; bit < bytes.size() * 8; bit += 11) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      world_.Put(name, flipped);
      ASSERT_THAT(world_.Open(true), IsOk());
      const uint64_t before = world_.counters.indexes_rebuilt.load();
      ExpectRightAnswers();
      world_.runtime.RunUntilIdle();
      const bool rebuilt = world_.counters.indexes_rebuilt.load() > before;
      ASSERT_THAT(world_.CloseCleanly(), IsOk());
      if (rebuilt) {
        ++repaired;
        ExpectFilesAsBefore();
      }
      if (HasFailure()) FAIL() << name << " bit " << bit;
    }
    world_.Put(name, bytes);
  }
  EXPECT_GT(repaired, 0);
}

TEST_F(LogIndexTest, ManyReadersOfAWrongIndexAskForOneRebuild) {
  ASSERT_THAT(world_.Open(true), IsOk());
  for (const auto& [name, bytes] : indexes_) ASSERT_THAT(world_.fs.Remove(world_.PathOf(name)), IsOk());
  for (int reader = 0; reader < 5; ++reader) ExpectRightAnswers();
  world_.runtime.RunUntilIdle();
  const uint64_t segments = indexes_.size() / 2;
  EXPECT_LE(world_.counters.indexes_rebuilt.load(), segments);
  // And again, when the former one has ended.
  for (const auto& [name, bytes] : indexes_) ASSERT_THAT(world_.fs.Remove(world_.PathOf(name)), IsOk());
  const uint64_t before = world_.counters.indexes_rebuilt.load();
  ExpectRightAnswers();
  world_.runtime.RunUntilIdle();
  EXPECT_GT(world_.counters.indexes_rebuilt.load(), before);
}

TEST_F(LogIndexTest, AnIndexThatVanishesWhileTheLogIsOpenIsRebuilt) {
  ASSERT_THAT(world_.Open(true), IsOk());
  for (const auto& [name, bytes] : indexes_) ASSERT_THAT(world_.fs.Remove(world_.PathOf(name)), IsOk());
  ExpectRightAnswers();
  world_.runtime.RunUntilIdle();
  EXPECT_GT(world_.counters.indexes_rebuilt.load(), 0u);
  for (int i = 120; i < 140; ++i) {
    ASSERT_THAT(world_.Append(MakeValueBatch({std::string(40, 'v')}, kTime + i / 2 * 10)), IsOk());
  }
  ASSERT_THAT(world_.CloseCleanly(), IsOk());
  ASSERT_THAT(world_.Open(true), IsOk());
  EXPECT_THAT(world_.recovered.notes, IsEmpty());
}

TEST_F(LogIndexTest, NewEntriesAreWrittenInTheBackgroundOnly) {
  ASSERT_THAT(world_.Open(true), IsOk());
  uint64_t index_writes = 0;
  world_.fs.SetFault([&index_writes](const FsOp& op) {
    index_writes += op.kind == FsOpKind::kWrite && op.path.find("index") != std::string::npos;
    return absl::OkStatus();
  });
  for (int i = 0; i < 60; ++i)
    ASSERT_THAT(world_.Append(MakeValueBatch({std::string(40, 'v')}, kTime + 9000)), IsOk());
  ASSERT_THAT(world_.Commit(), IsOk());
  EXPECT_EQ(index_writes, 0u);
  world_.runtime.RunUntilIdle();
  EXPECT_GT(index_writes, 0u);
  world_.fs.SetFault(nullptr);
}

TEST_F(LogIndexTest, AFullDiskForIndexesOnlyCostsNothingButTheFiles) {
  ASSERT_THAT(world_.Open(true), IsOk());
  world_.fs.SetFault([](const FsOp& op) {
    const bool index = op.path.find("index") != std::string::npos;
    return op.kind == FsOpKind::kWrite && index ? MakeError(ErrorCode::kDiskFull, "full") : absl::OkStatus();
  });
  for (int i = 120; i < 220; ++i) {
    ASSERT_THAT(world_.Append(MakeValueBatch({std::string(40, 'v')}, kTime + i / 2 * 10)), IsOk());
    world_.log->Maintain();
    world_.runtime.RunUntilIdle();
  }
  ASSERT_THAT(world_.Commit(), IsOk());
  ExpectRightAnswers();
  world_.fs.SetFault(nullptr);
  world_.log->Maintain();
  world_.runtime.RunUntilIdle();
  ASSERT_THAT(world_.CloseCleanly(), IsOk());
  ASSERT_THAT(world_.Open(true), IsOk());
  EXPECT_THAT(world_.recovered.notes, IsEmpty());
}

}  // namespace
}  // namespace leat
