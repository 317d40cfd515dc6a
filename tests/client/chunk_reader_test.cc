#include "client/internal/chunk_reader.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/read_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/batch_factory.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const FetchedChunk> Chunk(std::string bytes) {
  return std::make_shared<const FetchedChunk>(
      FetchedChunk{std::make_shared<const std::string>("topic"), 3, std::move(bytes)});
}

absl::Status Read(ChunkReader& reader, Offset* position, size_t count, ConsumedRecords* records,
                  const DecodeLimits& limits = {}) {
  ReadBudget budget{count, limits.decompressed_bytes_max};
  return reader.Read(position, budget, limits, records);
}

std::vector<std::string> Values(const ConsumedRecords& records) {
  std::vector<std::string> values;
  for (const ConsumedRecord& record : records) values.emplace_back(*record.value());
  return values;
}

TEST(ChunkReaderTest, BeginsInTheMiddleOfABatch) {
  ChunkReader reader(
      Chunk(AtOffset(MakeValueBatch({"a", "b", "c"}), 10) + AtOffset(MakeValueBatch({"d"}), 13)));
  Offset position = 11;
  ConsumedRecords records;
  EXPECT_THAT(Read(reader, &position, 100, &records), IsOk());
  EXPECT_THAT(Values(records), ElementsAre("b", "c", "d"));
  EXPECT_EQ(records[0].offset(), 11);
  EXPECT_EQ(records[0].topic(), "topic");
  EXPECT_EQ(records[0].partition(), 3);
  EXPECT_EQ(position, 14);
  EXPECT_TRUE(reader.done());
}

TEST(ChunkReaderTest, GoesOnWhereItStopped) {
  ChunkReader reader(
      Chunk(AtOffset(MakeValueBatch({"a", "b", "c"}), 0) + AtOffset(MakeValueBatch({"d"}), 3)));
  Offset position = 0;
  std::vector<std::string> all;
  for (Offset expected = 1; expected <= 4; ++expected) {
    ConsumedRecords records;
    EXPECT_THAT(Read(reader, &position, 1, &records), IsOk());
    ASSERT_EQ(records.size(), 1u);
    all.push_back(Values(records)[0]);
    EXPECT_EQ(position, expected);
  }
  EXPECT_THAT(all, ElementsAre("a", "b", "c", "d"));
}

TEST(ChunkReaderTest, RecordsOutliveTheReaderInEveryCodec) {
  for (Codec codec : {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd}) {
    TestRecord record;
    record.key = "key";
    record.value = std::string(1000, 'v');
    record.headers = {{"h", "1"}, {"null", std::nullopt}, {"h", "2"}};
    auto reader = std::make_unique<ChunkReader>(Chunk(AtOffset(MakeBatch({record}, {.codec = codec}), 5)));
    Offset position = 0;
    ConsumedRecords records;
    EXPECT_THAT(Read(*reader, &position, 100, &records), IsOk());
    reader = nullptr;
    const ConsumedRecord copy = records.at(0);
    records.clear();
    EXPECT_EQ(copy.key(), "key");
    EXPECT_EQ(copy.value(), std::string(1000, 'v'));
    EXPECT_EQ(copy.header("h"), "1");
    EXPECT_EQ(copy.header("null"), std::nullopt);
    EXPECT_EQ(copy.header("none"), std::nullopt);
    const Record owned = copy.ToRecord();
    EXPECT_EQ(owned.topic, "topic");
    EXPECT_EQ(owned.partition, 3);
    EXPECT_EQ(owned.timestamp_ms, record.timestamp_ms);
    EXPECT_EQ(owned.headers, (std::vector<RecordHeader>{{"h", "1"}, {"null", std::nullopt}, {"h", "2"}}));
  }
}

TEST(ChunkReaderTest, SkipsControlBatches) {
  std::string control = AtOffset(MakeValueBatch({"not for consumers"}), 1);
  BatchHeader header = DecodeBatchHeader(control);
  header.attributes |= kControlBit;
  EncodeBatchHeader(header, absl::MakeSpan(&control[0], control.size()));
  SealBatch(absl::MakeSpan(&control[0], control.size()));
  ChunkReader reader(
      Chunk(AtOffset(MakeValueBatch({"a"}), 0) + control + AtOffset(MakeValueBatch({"b"}), 2)));
  Offset position = 0;
  ConsumedRecords records;
  EXPECT_THAT(Read(reader, &position, 100, &records), IsOk());
  EXPECT_THAT(Values(records), ElementsAre("a", "b"));
  EXPECT_EQ(position, 3);
}

TEST(ChunkReaderTest, ADamagedBatchIsAnErrorThatNamesThePlace) {
  std::string damaged = AtOffset(MakeValueBatch({"b", "c"}), 1);
  damaged.back() ^= 1;
  ChunkReader reader(Chunk(AtOffset(MakeValueBatch({"a"}), 0) + damaged));
  Offset position = 0;
  ConsumedRecords records;
  const absl::Status status = Read(reader, &position, 100, &records);
  EXPECT_THAT(status, StatusIs(ErrorCode::kCorruptBatch));
  EXPECT_THAT(std::string(status.message()), HasSubstr("topic-3 at offset 1 to 2"));
  EXPECT_THAT(Values(records), ElementsAre("a"));
  EXPECT_EQ(position, 1);
  const auto range = UnreadableRangeOf(status);
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->partition, (TopicPartition{"topic", 3}));
  EXPECT_EQ(range->begin, 1);
  EXPECT_EQ(range->end, 3);
}

TEST(ChunkReaderTest, ADecompressionBombIsRefused) {
  TestRecord record;
  record.value = std::string(1 << 20, 'x');
  ChunkReader reader(Chunk(MakeBatch({record}, {.codec = Codec::kZstd})));
  Offset position = 0;
  ConsumedRecords records;
  EXPECT_THAT(Read(reader, &position, 100, &records, {.decompressed_bytes_max = 1000}),
              StatusIs(ErrorCode::kCorruptBatch));
  EXPECT_TRUE(records.empty());
}

TEST(ChunkReaderTest, TheEndOfADamagedHeaderIsNotBelieved) {
  std::string damaged = MakeValueBatch({"a", "b"});
  damaged[25] ^= 1;  // of the last offset delta, now 257
  ChunkReader reader(Chunk(damaged));
  Offset position = 0;
  ConsumedRecords records;
  const absl::Status status = Read(reader, &position, 100, &records);
  EXPECT_THAT(status, StatusIs(ErrorCode::kCorruptBatch));
  EXPECT_EQ(UnreadableRangeOf(status), std::nullopt);
  EXPECT_EQ(PartitionOf(status), (TopicPartition{"topic", 3}));
}

TEST(ChunkReaderTest, OpensNoFurtherBatchOnceEnoughCameOut) {
  TestRecord record;
  record.value = std::string(1000, 'x');
  std::string bytes;
  for (Offset offset = 0; offset < 10; ++offset) {
    bytes += AtOffset(MakeBatch({record}, {.codec = Codec::kGzip}), offset);
  }
  ChunkReader reader(Chunk(bytes));
  Offset position = 0;
  for (const size_t expected : {3u, 3u, 3u, 1u}) {
    ConsumedRecords records;
    ReadBudget budget{.records = 100, .decompressed_bytes = 2500};
    EXPECT_THAT(reader.Read(&position, budget, {}, &records), IsOk());
    EXPECT_EQ(records.size(), expected);
  }
  EXPECT_TRUE(reader.done());
}

class MeasureChunkTest : public testing::Test {
 protected:
  ChunkExtent Measure(absl::string_view bytes, Offset asked, bool at_boundary = false, Offset visible = 100) {
    return MeasureChunk(bytes, {kPartition, asked, at_boundary, visible});
  }
  static std::string Batch(Offset base) { return AtOffset(MakeValueBatch({"a", "b"}), base); }

  const TopicPartition kPartition{"topic", 3};
};

TEST_F(MeasureChunkTest, TellsWhereToGoOn) {
  const std::string bytes = Batch(7) + Batch(9) + Batch(11);
  for (const Offset asked : {7, 8}) {
    const ChunkExtent extent = Measure(bytes, asked);
    EXPECT_THAT(extent.error, IsOk());
    EXPECT_EQ(extent.bytes, bytes.size());
    EXPECT_EQ(extent.end, 13);
  }
  const ChunkExtent nothing = Measure("", 7);
  EXPECT_THAT(nothing.error, IsOk());
  EXPECT_EQ(nothing.end, 7);
}

TEST_F(MeasureChunkTest, BatchesOfOtherOffsetsAreRefused) {
  EXPECT_THAT(Measure(Batch(7), 9).error, StatusIs(ErrorCode::kCorruptBatch));  // no progress
  EXPECT_THAT(Measure(Batch(7), 8, true).error, StatusIs(ErrorCode::kCorruptBatch));
  EXPECT_THAT(Measure(Batch(7), 7, true, 9).error, IsOk());
  EXPECT_THAT(Measure(Batch(7), 7, true, 8).error, StatusIs(ErrorCode::kCorruptBatch));  // not visible yet
}

TEST_F(MeasureChunkTest, WhatComesBeforeTheWrongBatchIsKept) {
  const std::string good = Batch(7) + Batch(9);
  for (const std::string& bad : {Batch(9), Batch(10), Batch(98), std::string("garbage"), Batch(1'000)}) {
    const ChunkExtent extent = Measure(good + bad + Batch(13), 7);
    EXPECT_FALSE(extent.error.ok());
    EXPECT_EQ(extent.bytes, good.size());
    EXPECT_EQ(extent.end, 11);
    EXPECT_EQ(PartitionOf(extent.error), kPartition);
    EXPECT_THAT(std::string(extent.error.message()), HasSubstr("topic-3 at offset 11"));
  }
}

TEST_F(MeasureChunkTest, OffsetsThatAreLeftOutAreDataLoss) {
  const ChunkExtent extent = Measure(Batch(7) + Batch(12), 7, true);
  EXPECT_THAT(extent.error, StatusIs(ErrorCode::kDataLoss));
  const auto range = UnreadableRangeOf(extent.error);
  ASSERT_TRUE(range.has_value());
  EXPECT_EQ(range->begin, 9);
  EXPECT_EQ(range->end, 12);
}

TEST_F(MeasureChunkTest, AnyFlippedBitOfABaseOffsetIsNoticed) {
  const std::string bytes = Batch(40) + Batch(42) + Batch(44);
  const size_t size = bytes.size() / 3;
  for (size_t batch = 0; batch < 3; ++batch) {
    for (size_t bit = 0; bit < 64; ++bit) {
      std::string damaged = bytes;
      char& byte = damaged[batch * size + bit / 8];
      byte = static_cast<char>(byte ^ (1 << (bit % 8)));
      const ChunkExtent known = Measure(damaged, 40, true);
      EXPECT_FALSE(known.error.ok()) << batch << " " << bit;
      EXPECT_EQ(known.bytes, batch * size);
      // Begun in the middle, the first batch is only proven by the second.
      const ChunkExtent begun = Measure(damaged, 41);
      EXPECT_FALSE(begun.error.ok()) << batch << " " << bit;
      EXPECT_EQ(begun.bytes, batch == 2 ? 2 * size : 0);
    }
  }
}

}  // namespace
}  // namespace leat
