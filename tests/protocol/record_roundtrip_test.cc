// Builder and iterator together: what goes in comes out.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "protocol/record/batch_builder.h"
#include "protocol/record/error.h"
#include "protocol/record/record_iterator.h"
#include "protocol/record/validate.h"
#include "protocol/record/varint.h"
#include "tests/protocol/record_test_util.h"

namespace leat {
namespace {

rc::Gen<std::optional<std::string>> OptionalBytes() {
  return rc::gen::oneOf(rc::gen::just(std::optional<std::string>()),
                        rc::gen::map(rc::gen::arbitrary<std::string>(),
                                     [](std::string bytes) { return std::make_optional(std::move(bytes)); }),
                        rc::gen::map(rc::gen::inRange<size_t>(0, 5000), [](size_t size) {
                          return std::make_optional(std::string(size, static_cast<char>(size)));
                        }));
}

rc::Gen<OwnedRecord> AnyRecord(const rc::Gen<int64_t>& timestamp) {
  const auto header = rc::gen::pair(rc::gen::arbitrary<std::string>(), OptionalBytes());
  return rc::gen::build<OwnedRecord>(
      rc::gen::set(&OwnedRecord::timestamp_ms, timestamp), rc::gen::set(&OwnedRecord::key, OptionalBytes()),
      rc::gen::set(&OwnedRecord::value, OptionalBytes()),
      rc::gen::set(
          &OwnedRecord::headers,
          rc::gen::container<std::vector<std::pair<std::string, std::optional<std::string>>>>(header)));
}

RC_GTEST_PROP(RoundTrip, EveryRecordComesBackFromEveryCodec, ()) {
  const auto records =
      *rc::gen::container<std::vector<OwnedRecord>>(AnyRecord(rc::gen::arbitrary<int64_t>()));
  BatchOptions options;
  options.codec = *rc::gen::elementOf(std::vector<Codec>(std::begin(kAllCodecs), std::end(kAllCodecs)));
  const std::string bytes = BuildBatch(records, options);
  const BatchView batch = CheckStoredBatch(bytes).value();
  RC_ASSERT(batch.header().codec_id() == static_cast<uint8_t>(options.codec));
  RC_ASSERT(batch.header().record_count == static_cast<int32_t>(records.size()));
  RC_ASSERT(ReadRecords(batch).value() == records);
}

// What our own client builds is what our own broker takes.
RC_GTEST_PROP(RoundTrip, WhatIsBuiltIsValid, ()) {
  const auto records = *rc::gen::nonEmpty(rc::gen::container<std::vector<OwnedRecord>>(
      AnyRecord(rc::gen::inRange<int64_t>(0, int64_t{1} << 50))));
  BatchOptions options;
  options.codec = *rc::gen::elementOf(std::vector<Codec>(std::begin(kAllCodecs), std::end(kAllCodecs)));
  ValidationOptions validation;
  validation.validation = Validation::kDeep;
  const absl::StatusOr<BatchHeader> header = ValidateBatch(BuildBatch(records, options), validation);
  RC_ASSERT(header.ok());
  const auto latest = std::max_element(records.begin(), records.end(), [](const auto& a, const auto& b) {
    return a.timestamp_ms < b.timestamp_ms;
  });
  RC_ASSERT(header->max_timestamp_ms == latest->timestamp_ms);
  RC_ASSERT(header->base_timestamp_ms == records.front().timestamp_ms);
}

RC_GTEST_PROP(RoundTrip, SizeIsKnownBeforeAndBoundedByTheEstimate, ()) {
  const OwnedRecord record = *AnyRecord(rc::gen::arbitrary<int64_t>());
  BatchBuilder builder;
  builder.Add(0, std::nullopt, std::nullopt);
  const size_t before = builder.uncompressed_bytes();
  AddRecord(record, &builder);
  const std::vector<HeaderView> headers = HeaderViews(record);
  const size_t added = builder.uncompressed_bytes() - before;
  RC_ASSERT(added <= BatchBuilder::EncodedBytesMax(View(record.key), View(record.value), headers));
  const size_t total = builder.uncompressed_bytes();
  RC_ASSERT(builder.Finish().value().size() == total);
}

TEST(BatchBuilder, StartsAnewAfterFinish) {
  BatchBuilder builder({.codec = Codec::kZstd});
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.uncompressed_bytes(), kBatchHeaderBytes);
  builder.SetProducer(9, 2, 50);
  builder.Add(kTestTime, "a", "b");
  EXPECT_EQ(builder.record_count(), 1);
  const std::string first = builder.Finish().value();
  EXPECT_TRUE(builder.empty());
  builder.SetProducer(9, 2, 51);
  builder.Add(kTestTime - 9, "c", "d");
  const std::string second = builder.Finish().value();
  EXPECT_EQ(ReadRecords(first).value(), (std::vector<OwnedRecord>{{kTestTime, "a", "b", {}}}));
  EXPECT_EQ(ReadRecords(second).value(), (std::vector<OwnedRecord>{{kTestTime - 9, "c", "d", {}}}));
  const BatchHeader header = ParseBatchHeader(second).value();
  EXPECT_EQ(header.producer_id, 9);
  EXPECT_EQ(header.producer_epoch, 2);
  EXPECT_EQ(header.base_sequence, 51);
  EXPECT_EQ(header.base_offset, 0);
  EXPECT_EQ(header.leader_epoch, -1);
  EXPECT_EQ(header.max_timestamp_ms, kTestTime - 9);
}

TEST(BatchBuilder, WithoutRecordsGivesAnEmptyBatchThatTheBrokerRefuses) {
  for (const Codec codec : kAllCodecs) {
    const std::string bytes = BuildBatch({}, {.codec = codec});
    EXPECT_TRUE(ReadRecords(CheckStoredBatch(bytes).value()).value().empty());
    EXPECT_EQ(CodeOf(ValidateBatch(bytes, {}).status()), ErrorCode::kInvalidBatch);
  }
}

TEST(RecordIterator, GivesOffsetsAndAppendTimes) {
  std::string bytes = SampleBatch(Codec::kGzip);
  BatchHeader header = ParseBatchHeader(bytes).value();
  header.base_offset = 1000;
  header.attributes |= kLogAppendTimeBit;
  EncodeBatchHeader(header, absl::MakeSpan(bytes));
  SealBatch(absl::MakeSpan(bytes));
  const BatchView batch = CheckStoredBatch(bytes).value();
  RecordIterator iterator = RecordIterator::Create(batch).value();
  for (const Offset offset : {1000, 1001, 1002}) {
    const std::optional<RecordView> record = iterator.Next().value();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->offset, offset);
    EXPECT_EQ(record->timestamp_ms, header.max_timestamp_ms);
  }
  EXPECT_FALSE(iterator.Next().value().has_value());
  EXPECT_FALSE(iterator.Next().value().has_value());
}

TEST(RecordIterator, KeepsViewsValidWhenMoved) {
  const std::string bytes = SampleBatch(Codec::kZstd);
  RecordIterator iterator = RecordIterator::Create(BatchView::Parse(bytes).value()).value();
  const RecordView record = *iterator.Next().value();
  RecordIterator moved = std::move(iterator);
  EXPECT_EQ(record.key, absl::string_view("key"));
  EXPECT_EQ(moved.Next().value()->value->size(), 90u);
}

// One record without a payload: length 6, attributes, deltas, two nulls, no headers.
std::string PlainRecord(int8_t offset_delta) {
  return FromHex("0c0000") + static_cast<char>(2 * offset_delta) + FromHex("010100");
}

absl::Status ReadPayload(absl::string_view payload, int32_t count, int32_t last_offset_delta) {
  BatchHeader header;
  header.record_count = count;
  header.last_offset_delta = last_offset_delta;
  return ReadRecords(WrapPayload(header, payload)).status();
}

TEST(RecordIterator, WantsGrowingOffsetsWithinTheBatch) {
  EXPECT_TRUE(ReadPayload(PlainRecord(0) + PlainRecord(1), 2, 1).ok());
  EXPECT_TRUE(ReadPayload(PlainRecord(3) + PlainRecord(7), 2, 9).ok());  // compacted
  EXPECT_EQ(CodeOf(ReadPayload(PlainRecord(1) + PlainRecord(1), 2, 1)), ErrorCode::kCorruptBatch);
  EXPECT_EQ(CodeOf(ReadPayload(PlainRecord(1) + PlainRecord(0), 2, 1)), ErrorCode::kCorruptBatch);
  EXPECT_EQ(CodeOf(ReadPayload(PlainRecord(0) + PlainRecord(2), 2, 1)), ErrorCode::kCorruptBatch);
  EXPECT_EQ(CodeOf(ReadPayload(PlainRecord(-1), 1, 0)), ErrorCode::kCorruptBatch);
}

TEST(RecordIterator, WantsAsManyRecordsAsDeclared) {
  EXPECT_EQ(CodeOf(ReadPayload(PlainRecord(0), 2, 1)), ErrorCode::kCorruptBatch);
  EXPECT_EQ(CodeOf(ReadPayload(PlainRecord(0) + PlainRecord(1), 1, 1)), ErrorCode::kCorruptBatch);
  EXPECT_EQ(CodeOf(ReadPayload("", 1, 0)), ErrorCode::kCorruptBatch);
  EXPECT_EQ(CodeOf(ReadPayload(PlainRecord(0), 0, 0)), ErrorCode::kCorruptBatch);
}

TEST(RecordIterator, RefusesMalformedRecords) {
  const char* const malformed[] = {
      "0a00000001010000",        // a length one too small
      "0e000000010100",          // one too large, beyond the end
      "0e00000001010000",        // one too large, with a byte left inside
      "010000000101",            // negative
      "0c000000030100",          // a key of length -2
      "0c000000010300",          // a value of length -2
      "0c000000020100",          // a key that ends beyond the record
      "0c000000010101",          // -1 headers
      "0c000000010102",          // a header that is missing
      "140000000101feffffff0f",  // 2^31 - 1 headers in no bytes
      "100000000101020101",      // a header with a null key
      "1000000001010202",        // a header that ends in the middle
      "ffffffffff",              // a length that never ends
      "feffffff0f0000000101",    // a length of 2^31 - 1
  };
  for (const char* const hex : malformed) {
    EXPECT_EQ(CodeOf(ReadPayload(FromHex(hex), 1, 0)), ErrorCode::kCorruptBatch) << hex;
  }
  EXPECT_TRUE(ReadPayload(FromHex("0c000000010100"), 1, 0).ok());
  EXPECT_TRUE(ReadPayload(FromHex("0c7f0000010100"), 1, 0).ok());    // record attributes mean nothing
  EXPECT_TRUE(ReadPayload(FromHex("0e00800000010100"), 1, 0).ok());  // an overlong timestamp delta
}

TEST(RecordIterator, StaysAtItsError) {
  BatchHeader header;
  header.record_count = 2;
  header.last_offset_delta = 1;
  const std::string bytes = WrapPayload(header, PlainRecord(0));
  RecordIterator iterator = RecordIterator::Create(BatchView::Parse(bytes).value()).value();
  EXPECT_TRUE(iterator.Next().ok());
  EXPECT_FALSE(iterator.Next().ok());
  EXPECT_FALSE(iterator.Next().ok());
}

TEST(HeaderIterator, EndsAtBytesThatAreNoHeaders) {
  HeaderIterator headers(3, absl::string_view("\x7f", 1));
  HeaderView header;
  EXPECT_FALSE(headers.Next(&header));
  EXPECT_EQ(headers.left(), 0);
}

}  // namespace
}  // namespace leat
