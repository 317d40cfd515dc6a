#include "protocol/record/batch.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "protocol/record/crc32c.h"
#include "protocol/record/endian.h"
#include "protocol/record/error.h"
#include "protocol/record/validate.h"
#include "tests/protocol/record_test_util.h"

namespace leat {
namespace {

// Bit by bit, from the polynomial.
uint32_t SlowCrc32c(absl::string_view data) {
  uint32_t crc = 0xffffffff;
  for (const char byte : data) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
  }
  return ~crc;
}

TEST(Crc32c, HasTheStandardCheckValue) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283);
  EXPECT_EQ(Crc32c(""), 0u);
}

RC_GTEST_PROP(Crc32cProperty, AgreesWithTheDefinitionAndExtends, (std::string data, std::string more)) {
  RC_ASSERT(Crc32c(data) == SlowCrc32c(data));
  RC_ASSERT(ExtendCrc32c(Crc32c(data), more) == Crc32c(data + more));
}

TEST(Batch, ReadsTheGoldenBatchOfTwoRecords) {
  const std::string bytes = FromHex(kGoldenTwoRecords);
  ASSERT_EQ(bytes.size(), 84u);
  const BatchView batch = CheckStoredBatch(bytes).value();
  const BatchHeader& header = batch.header();
  EXPECT_EQ(header.base_offset, 0);
  EXPECT_EQ(header.batch_length, 72);
  EXPECT_EQ(header.leader_epoch, -1);
  EXPECT_EQ(header.crc, 0x9719140f);
  EXPECT_EQ(header.attributes, 0);
  EXPECT_EQ(header.last_offset_delta, 1);
  EXPECT_EQ(header.next_offset(), 2);
  EXPECT_EQ(header.base_timestamp_ms, kTestTime);
  EXPECT_EQ(header.max_timestamp_ms, kTestTime + 5);
  EXPECT_EQ(header.producer_id, kNoProducerId);
  EXPECT_EQ(header.producer_epoch, -1);
  EXPECT_EQ(header.base_sequence, -1);
  EXPECT_EQ(header.record_count, 2);
  const std::vector<OwnedRecord> expected = {
      {kTestTime, std::nullopt, "a", {}},
      {kTestTime + 5, "k", std::nullopt, {{"h", "x"}, {"n", std::nullopt}}}};
  EXPECT_EQ(ReadRecords(batch).value(), expected);
}

TEST(Batch, BuildsTheGoldenBatchByteForByte) {
  EXPECT_EQ(BuildBatch({{kTestTime, std::nullopt, "a", {}},
                        {kTestTime + 5, "k", std::nullopt, {{"h", "x"}, {"n", std::nullopt}}}}),
            FromHex(kGoldenTwoRecords));
}

TEST(Batch, ReadsTheGoldenMarker) {
  const std::string bytes = FromHex(kGoldenAbortMarker);
  ASSERT_EQ(bytes.size(), 78u);
  const BatchView batch = CheckStoredBatch(bytes).value();
  const BatchHeader& header = batch.header();
  EXPECT_EQ(header.base_offset, 100);
  EXPECT_EQ(header.leader_epoch, 3);
  EXPECT_EQ(header.crc, 0x95f4be52);
  EXPECT_TRUE(header.transactional());
  EXPECT_TRUE(header.control());
  EXPECT_FALSE(header.log_append_time());
  EXPECT_EQ(header.producer_id, 4000);
  EXPECT_EQ(header.producer_epoch, 1);
  EXPECT_EQ(header.base_sequence, -1);
  const std::vector<OwnedRecord> expected = {{kTestTime, FromHex("00000000"), FromHex("000000000009"), {}}};
  EXPECT_EQ(ReadRecords(batch).value(), expected);
}

TEST(Batch, EncodesAHeaderToTheBytesItWasReadFrom) {
  for (const absl::string_view hex : {kGoldenTwoRecords, kGoldenAbortMarker}) {
    const std::string bytes = FromHex(hex);
    std::string out(kBatchHeaderBytes, 'x');
    EncodeBatchHeader(ParseBatchHeader(bytes).value(), absl::MakeSpan(out));
    EXPECT_EQ(out, bytes.substr(0, kBatchHeaderBytes));
  }
}

TEST(Batch, StampingChangesOnlyOffsetAndEpoch) {
  const std::string before = SampleBatch(Codec::kNone);
  std::string after = before;
  StampBatch(absl::MakeSpan(after), 123456789012, 42);
  const BatchView batch = CheckStoredBatch(after).value();
  EXPECT_EQ(batch.header().base_offset, 123456789012);
  EXPECT_EQ(batch.header().leader_epoch, 42);
  EXPECT_EQ(batch.header().last_offset(), 123456789014);
  StampBatch(absl::MakeSpan(after), 0, -1);
  EXPECT_EQ(after, before);
}

TEST(Batch, ViewsTheFirstOfSeveral) {
  const std::string first = SampleBatch(Codec::kNone);
  const std::string both = first + SampleBatch(Codec::kLz4);
  const BatchView view = BatchView::Parse(both).value();
  EXPECT_EQ(view.bytes(), first);
  EXPECT_EQ(BatchView::Parse(absl::string_view(both).substr(first.size())).value().header().codec_id(), 3);
}

// The error of a stored batch in which the integer at `at` is replaced and the CRC made to fit.
template <typename T>
ErrorCode ErrorWith(size_t at, T value) {
  std::string bytes = SampleBatch(Codec::kNone);
  StoreBigEndian(&bytes[at], value);
  SealBatch(absl::MakeSpan(bytes));
  return CodeOf(CheckStoredBatch(bytes).status());
}

TEST(Batch, RefusesHeadersThatCannotBeUsed) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(ErrorWith<int8_t>(16, 2), ErrorCode::kNone);
  EXPECT_EQ(ErrorWith<int8_t>(16, 1), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int8_t>(16, 3), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int32_t>(8, 48), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int32_t>(8, -1), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int32_t>(8, std::numeric_limits<int32_t>::max()), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int32_t>(57, -1), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int32_t>(57, 4), ErrorCode::kCorruptBatch);  // more records than offsets
  EXPECT_EQ(ErrorWith<int32_t>(23, -1), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int64_t>(0, -1), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int64_t>(0, kMax), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int64_t>(0, kMax - 2), ErrorCode::kCorruptBatch);
  EXPECT_EQ(ErrorWith<int64_t>(0, kMax - 3), ErrorCode::kNone);
}

TEST(Batch, TakesWhatCompactionLeaves) {
  // A stored batch may span more offsets than it has records, or have none at all.
  EXPECT_EQ(ErrorWith<int32_t>(23, 100), ErrorCode::kNone);
  BatchHeader header;
  header.base_offset = 5;
  header.last_offset_delta = 9;
  const std::string empty = WrapPayload(header, "");
  const BatchView batch = CheckStoredBatch(empty).value();
  EXPECT_EQ(batch.header().next_offset(), 15);
  EXPECT_TRUE(ReadRecords(batch).value().empty());
}

TEST(Codec, NamesGoBothWays) {
  for (const Codec codec : kAllCodecs) EXPECT_EQ(ParseCodec(CodecName(codec)).value(), codec);
  EXPECT_EQ(CodeOf(ParseCodec("brotli").status()), ErrorCode::kUnsupportedCodec);
  EXPECT_EQ(CodeOf(ParseCodec("").status()), ErrorCode::kUnsupportedCodec);
}

}  // namespace
}  // namespace leat
