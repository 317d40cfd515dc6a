#include "storage/log/segment_scanner.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/batch_factory.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

class SegmentScannerTest : public ::testing::Test {
 protected:
  SegmentScannerTest() {
    SeededRandom random(1);
    for (Offset offset = 0; offset < 12;) {
      std::string batch = AtOffset(MakeBatch(RandomRecords(2, 300, random)), offset);
      positions_.push_back(bytes_.size());
      bytes_ += batch;
      offset += 2;
    }
  }
  struct Result {
    std::vector<uint64_t> positions;
    std::optional<ScanDamage> damage;
    std::optional<ScannedBatch> after;
    uint64_t end = 0;
    Offset next_offset = 0;
  };
  Result Scan(absl::string_view bytes, ScanDepth depth = ScanDepth::kChecked, size_t chunk = 1 << 20,
              uint64_t from = 0, Offset expected = 0) {
    MemoryFileSystem fs;
    const std::unique_ptr<File> file = *fs.Open("/log", OpenMode::kCreateNew);
    EXPECT_THAT(file->WriteAt(0, absl::MakeConstSpan(&bytes, 1)), IsOk());
    SegmentScanner scanner(
        *file,
        {.from = from, .to = bytes.size(), .expected = expected, .depth = depth, .chunk_bytes = chunk});
    Result result;
    while (true) {
      absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
      EXPECT_THAT(batch, IsOk());
      if (!batch.ok() || !batch->has_value()) break;
      result.positions.push_back((*batch)->position);
    }
    result.damage = scanner.damage();
    result.end = scanner.position();
    result.next_offset = scanner.next_offset();
    absl::StatusOr<std::optional<ScannedBatch>> after = scanner.FindBatchAfterDamage();
    EXPECT_THAT(after, IsOk());
    if (after.ok()) result.after = *after;
    return result;
  }

  std::string bytes_;
  std::vector<uint64_t> positions_;
};

TEST_F(SegmentScannerTest, FindsEveryBatchWithAnyChunk) {
  for (const ScanDepth depth : {ScanDepth::kHeaders, ScanDepth::kChecked}) {
    for (const size_t chunk : {1u, 61u, 62u, 100u, 1000u, 1u << 20}) {
      const Result result = Scan(bytes_, depth, chunk);
      EXPECT_EQ(result.positions, positions_);
      EXPECT_FALSE(result.damage.has_value());
      EXPECT_EQ(result.end, bytes_.size());
      EXPECT_EQ(result.next_offset, 12);
    }
  }
}

TEST_F(SegmentScannerTest, StartsWhereItIsTold) {
  const Result result = Scan(bytes_, ScanDepth::kChecked, 4096, positions_[2], 4);
  EXPECT_EQ(result.positions.size(), positions_.size() - 2);
  EXPECT_EQ(Scan(bytes_, ScanDepth::kChecked, 4096, positions_[2], -1).positions.size(),
            positions_.size() - 2);
  EXPECT_EQ(Scan(bytes_, ScanDepth::kChecked, 4096, positions_[2], 3).damage->position, positions_[2]);
}

TEST_F(SegmentScannerTest, EveryTruncationEndsAtABatch) {
  for (size_t size = 0; size < bytes_.size(); ++size) {
    const Result result = Scan(bytes_.substr(0, size), ScanDepth::kChecked, 128);
    const size_t whole = static_cast<size_t>(std::upper_bound(positions_.begin(), positions_.end(), size) -
                                             positions_.begin() - 1);
    EXPECT_EQ(result.end, positions_[whole]);
    EXPECT_EQ(result.damage.has_value(), size != positions_[whole]);
    EXPECT_FALSE(result.after.has_value());
  }
}

TEST_F(SegmentScannerTest, EveryFlippedByteIsFoundAndWhatFollowsToo) {
  for (size_t at = positions_[1]; at < positions_[2]; ++at) {
    const size_t in_batch = at - positions_[1];
    if (in_batch >= 12 && in_batch < 16) continue;  // the leader epoch
    std::string damaged = bytes_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
    const Result result = Scan(damaged, ScanDepth::kChecked, 300);
    ASSERT_TRUE(result.damage.has_value()) << in_batch;
    EXPECT_EQ(result.damage->position, positions_[1]);
    EXPECT_EQ(result.damage->expected, 2);
    EXPECT_FALSE(result.damage->reason.empty());
    ASSERT_TRUE(result.after.has_value()) << in_batch;
    // A batch whose offset alone is wrong may itself be found again.
    EXPECT_EQ(result.after->position, positions_[2]) << in_batch;
  }
}

TEST_F(SegmentScannerTest, BytesMadeToLookLikeBatchesCostABoundedTime) {
  // Headers without the batch, one behind the other: each would be checked to the end of the file.
  BatchHeader header;
  header.batch_length = 400'000;
  std::string fake(kBatchHeaderBytes, '\0');
  EncodeBatchHeader(header, absl::MakeSpan(fake.data(), fake.size()));
  std::string bytes = "x";
  for (int i = 0; i < 8000; ++i) bytes += fake;
  const Result result = Scan(bytes);
  EXPECT_EQ(result.damage->position, 0u);
  EXPECT_TRUE(result.after.has_value());  // in doubt something follows
}

TEST_F(SegmentScannerTest, AHugeLengthIsNotBelieved) {
  BatchHeader header;
  header.batch_length = 0x7fffffff;
  std::string bytes(kBatchHeaderBytes, '\0');
  EncodeBatchHeader(header, absl::MakeSpan(bytes.data(), bytes.size()));
  const Result result = Scan(bytes);
  EXPECT_EQ(result.end, 0u);
  EXPECT_TRUE(result.damage.has_value());
}

}  // namespace
}  // namespace leat
