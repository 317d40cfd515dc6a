#include "client/internal/chunk_reader.h"

#include <memory>
#include <string>
#include <vector>

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
  EXPECT_THAT(reader.Read(&position, 100, {}, &records), IsOk());
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
    EXPECT_THAT(reader.Read(&position, 1, {}, &records), IsOk());
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
    EXPECT_THAT(reader->Read(&position, 100, {}, &records), IsOk());
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
  EXPECT_THAT(reader.Read(&position, 100, {}, &records), IsOk());
  EXPECT_THAT(Values(records), ElementsAre("a", "b"));
  EXPECT_EQ(position, 3);
}

TEST(ChunkReaderTest, ADamagedBatchIsAnErrorThatNamesThePlace) {
  std::string damaged = AtOffset(MakeValueBatch({"b", "c"}), 1);
  damaged.back() ^= 1;
  ChunkReader reader(Chunk(AtOffset(MakeValueBatch({"a"}), 0) + damaged));
  Offset position = 0;
  ConsumedRecords records;
  const absl::Status status = reader.Read(&position, 100, {}, &records);
  EXPECT_THAT(status, StatusIs(ErrorCode::kCorruptBatch));
  EXPECT_THAT(std::string(status.message()), HasSubstr("topic-3 at offset 1"));
  EXPECT_THAT(Values(records), ElementsAre("a"));
  EXPECT_EQ(position, 1);
}

TEST(ChunkReaderTest, ADecompressionBombIsRefused) {
  TestRecord record;
  record.value = std::string(1 << 20, 'x');
  ChunkReader reader(Chunk(MakeBatch({record}, {.codec = Codec::kZstd})));
  Offset position = 0;
  ConsumedRecords records;
  EXPECT_THAT(reader.Read(&position, 100, {.decompressed_bytes_max = 1000}, &records),
              StatusIs(ErrorCode::kCorruptBatch));
  EXPECT_TRUE(records.empty());
}

TEST(EndOfBatchesTest, TellsWhereToGoOn) {
  const std::string bytes = AtOffset(MakeValueBatch({"a", "b"}), 7) + AtOffset(MakeValueBatch({"c"}), 9);
  EXPECT_THAT(EndOfBatches(bytes, 8), IsOkAndHolds(10));
  EXPECT_THAT(EndOfBatches(bytes, 10), StatusIs(ErrorCode::kCorruptBatch));  // no progress
  EXPECT_THAT(EndOfBatches(absl::string_view(bytes).substr(0, bytes.size() - 1), 8),
              StatusIs(ErrorCode::kCorruptBatch));
  EXPECT_THAT(EndOfBatches("garbage", 0), StatusIs(ErrorCode::kCorruptBatch));
}

}  // namespace
}  // namespace leat
