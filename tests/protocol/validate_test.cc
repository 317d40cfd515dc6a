#include "protocol/record/validate.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "protocol/record/codec.h"
#include "protocol/record/error.h"
#include "tests/protocol/record_test_util.h"

namespace leat {
namespace {

ValidationOptions With(Validation validation) {
  ValidationOptions options;
  options.validation = validation;
  return options;
}

// The sample batch with its header changed and the CRC made to fit.
std::string Changed(const std::function<void(BatchHeader*)>& change, Codec codec = Codec::kNone) {
  std::string bytes = SampleBatch(codec);
  BatchHeader header = DecodeBatchHeader(bytes);
  change(&header);
  EncodeBatchHeader(header, absl::MakeSpan(bytes));
  SealBatch(absl::MakeSpan(bytes));
  return bytes;
}

ErrorCode CodeOfBatch(absl::string_view bytes, Validation validation = Validation::kParse) {
  const absl::Status status = ValidateBatch(bytes, With(validation)).status();
  EXPECT_TRUE(status.ok() || !status.message().empty());
  return CodeOf(status);
}

TEST(Validate, TakesGoodBatchesAndGivesTheirHeader) {
  for (const Codec codec : kAllCodecs) {
    for (const Validation validation : {Validation::kHeader, Validation::kParse, Validation::kDeep}) {
      const BatchHeader header = ValidateBatch(SampleBatch(codec), With(validation)).value();
      EXPECT_EQ(header.record_count, 3);
      EXPECT_EQ(header.codec_id(), static_cast<uint8_t>(codec));
      EXPECT_EQ(header.max_timestamp_ms, kTestTime + 5);
    }
  }
}

struct Rule {
  const char* name;
  std::function<void(BatchHeader*)> break_it;
  ErrorCode code;
};

const Rule kHeaderRules[] = {
    {"magic 0", [](BatchHeader* h) { h->magic = 0; }, ErrorCode::kInvalidBatch},
    {"magic 1", [](BatchHeader* h) { h->magic = 1; }, ErrorCode::kInvalidBatch},
    {"magic 3", [](BatchHeader* h) { h->magic = 3; }, ErrorCode::kInvalidBatch},
    {"codec 5", [](BatchHeader* h) { h->attributes |= 5; }, ErrorCode::kUnsupportedCodec},
    {"codec 6", [](BatchHeader* h) { h->attributes |= 6; }, ErrorCode::kUnsupportedCodec},
    {"codec 7", [](BatchHeader* h) { h->attributes |= 7; }, ErrorCode::kUnsupportedCodec},
    {"append time", [](BatchHeader* h) { h->attributes |= kLogAppendTimeBit; }, ErrorCode::kInvalidTimestamp},
    {"control", [](BatchHeader* h) { h->attributes |= kControlBit; }, ErrorCode::kInvalidBatch},
    {"delete horizon", [](BatchHeader* h) { h->attributes |= kDeleteHorizonBit; }, ErrorCode::kInvalidBatch},
    {"bit 7", [](BatchHeader* h) { h->attributes |= 0x80; }, ErrorCode::kInvalidBatch},
    {"bit 14", [](BatchHeader* h) { h->attributes |= 0x4000; }, ErrorCode::kInvalidBatch},
    {"bit 15", [](BatchHeader* h) { h->attributes = std::numeric_limits<int16_t>::min(); },
     ErrorCode::kInvalidBatch},
    {"base offset 1", [](BatchHeader* h) { h->base_offset = 1; }, ErrorCode::kInvalidBatch},
    {"base offset -1", [](BatchHeader* h) { h->base_offset = -1; }, ErrorCode::kInvalidBatch},
    {"no records", [](BatchHeader* h) { h->record_count = 0; }, ErrorCode::kInvalidBatch},
    {"no records nor offsets",
     [](BatchHeader* h) {
       h->record_count = 0;
       h->last_offset_delta = -1;
     },
     ErrorCode::kInvalidBatch},
    {"negative count", [](BatchHeader* h) { h->record_count = -3; }, ErrorCode::kInvalidBatch},
    {"count too small", [](BatchHeader* h) { h->record_count = 2; }, ErrorCode::kInvalidBatch},
    {"count too large", [](BatchHeader* h) { h->record_count = 4; }, ErrorCode::kInvalidBatch},
    {"last delta too large", [](BatchHeader* h) { h->last_offset_delta = 3; }, ErrorCode::kInvalidBatch},
    {"last delta negative", [](BatchHeader* h) { h->last_offset_delta = -1; }, ErrorCode::kInvalidBatch},
    {"producer id -2", [](BatchHeader* h) { h->producer_id = -2; }, ErrorCode::kInvalidBatch},
    {"no sequence", [](BatchHeader* h) { h->base_sequence = -1; }, ErrorCode::kInvalidBatch},
    {"no epoch", [](BatchHeader* h) { h->producer_epoch = -1; }, ErrorCode::kInvalidBatch},
    {"transactional without producer",
     [](BatchHeader* h) {
       h->attributes |= kTransactionalBit;
       h->producer_id = kNoProducerId;
     },
     ErrorCode::kInvalidBatch},
    {"no base timestamp", [](BatchHeader* h) { h->base_timestamp_ms = -1; }, ErrorCode::kInvalidTimestamp},
    {"no max timestamp", [](BatchHeader* h) { h->max_timestamp_ms = -1; }, ErrorCode::kInvalidTimestamp},
    {"max before base", [](BatchHeader* h) { h->max_timestamp_ms = h->base_timestamp_ms - 1; },
     ErrorCode::kInvalidTimestamp},
    {"length 48", [](BatchHeader* h) { h->batch_length = 48; }, ErrorCode::kCorruptBatch},
    {"length negative", [](BatchHeader* h) { h->batch_length = -1; }, ErrorCode::kCorruptBatch},
    {"length one too large", [](BatchHeader* h) { ++h->batch_length; }, ErrorCode::kCorruptBatch},
    {"length one too small", [](BatchHeader* h) { --h->batch_length; }, ErrorCode::kInvalidBatch},
};

TEST(Validate, EveryHeaderRuleHasItsError) {
  for (const Rule& rule : kHeaderRules) {
    for (const Validation validation : {Validation::kHeader, Validation::kParse, Validation::kDeep}) {
      EXPECT_EQ(CodeOfBatch(Changed(rule.break_it), validation), rule.code) << rule.name;
    }
  }
}

TEST(Validate, TakesWhatTheRulesLeaveOpen) {
  const auto leader_epoch = [](BatchHeader* h) { h->leader_epoch = 77; };
  EXPECT_EQ(CodeOfBatch(Changed(leader_epoch)), ErrorCode::kNone);
  const auto transactional = [](BatchHeader* h) { h->attributes |= kTransactionalBit; };
  EXPECT_EQ(CodeOfBatch(Changed(transactional)), ErrorCode::kNone);
  const auto no_producer = [](BatchHeader* h) {
    h->producer_id = kNoProducerId;
    h->producer_epoch = -1;
    h->base_sequence = -1;
  };
  EXPECT_EQ(CodeOfBatch(Changed(no_producer)), ErrorCode::kNone);
}

TEST(Validate, SizeLimitIsExactAndComesFirst) {
  const std::string bytes = SampleBatch(Codec::kNone);
  ValidationOptions options;
  options.batch_bytes_max = bytes.size();
  EXPECT_TRUE(ValidateBatch(bytes, options).ok());
  options.batch_bytes_max = bytes.size() - 1;
  EXPECT_EQ(CodeOf(ValidateBatch(bytes, options).status()), ErrorCode::kBatchTooLarge);
  EXPECT_EQ(CodeOf(ValidateBatch(std::string(bytes.size(), 'x'), options).status()),
            ErrorCode::kBatchTooLarge);
}

TEST(Validate, TakesExactlyOneBatch) {
  const std::string bytes = SampleBatch(Codec::kNone);
  EXPECT_EQ(CodeOfBatch(bytes + bytes), ErrorCode::kInvalidBatch);
  EXPECT_EQ(CodeOfBatch(bytes + "x"), ErrorCode::kInvalidBatch);
  EXPECT_EQ(CodeOfBatch(""), ErrorCode::kCorruptBatch);
}

TEST(Validate, ChecksTheCrcInEveryMode) {
  for (const Codec codec : kAllCodecs) {
    std::string bytes = SampleBatch(codec);
    bytes.back() = static_cast<char>(bytes.back() ^ 1);
    for (const Validation validation : {Validation::kHeader, Validation::kParse, Validation::kDeep}) {
      EXPECT_EQ(CodeOfBatch(bytes, validation), ErrorCode::kCorruptBatch);
    }
  }
}

TEST(Validate, TimestampRangeIsInclusive) {
  const auto code = [](int64_t min, int64_t max) {
    ValidationOptions options;
    options.timestamp_min_ms = min;
    options.timestamp_max_ms = max;
    return CodeOf(ValidateBatch(SampleBatch(Codec::kNone), options).status());
  };
  EXPECT_EQ(code(kTestTime, kTestTime + 5), ErrorCode::kNone);
  EXPECT_EQ(code(kTestTime + 1, kTestTime + 5), ErrorCode::kInvalidTimestamp);
  EXPECT_EQ(code(kTestTime, kTestTime + 4), ErrorCode::kInvalidTimestamp);
}

// Records that a correct builder would not write, plain or compressed.
struct BadRecords {
  const char* name;
  const char* records_hex;
  ErrorCode code;
};

constexpr int64_t kBase = 1000;
constexpr int64_t kMost = 1002;

// Two records in each: length, attributes, timestamp delta, offset delta, null key, null value, no headers.
const BadRecords kBadRecords[] = {
    {"good",
     "0c000000010100"
     "0c000402010100",
     ErrorCode::kNone},
    {"max timestamp too high",
     "0c000000010100"
     "0c000202010100",
     ErrorCode::kInvalidTimestamp},
    {"max timestamp too low",
     "0c000000010100"
     "0c000602010100",
     ErrorCode::kInvalidTimestamp},
    {"offset deltas from 1",
     "0c000002010100"
     "0c000404010100",
     ErrorCode::kInvalidBatch},
    {"offset delta twice",
     "0c000000010100"
     "0c000400010100",
     ErrorCode::kInvalidBatch},
    {"offset delta skips one",
     "0c000000010100"
     "0c000404010100",
     ErrorCode::kInvalidBatch},
    {"offset delta negative",
     "0c000000010100"
     "0c000401010100",
     ErrorCode::kInvalidBatch},
    {"one record missing", "0c000000010100", ErrorCode::kInvalidBatch},
    {"one record too many",
     "0c000000010100"
     "0c000402010100"
     "0c000404010100",
     ErrorCode::kInvalidBatch},
    {"a byte left over",
     "0c000000010100"
     "0c000402010100"
     "00",
     ErrorCode::kInvalidBatch},
    {"record length too small",
     "0c000000010100"
     "0a000402010100",
     ErrorCode::kInvalidBatch},
    {"record length too large",
     "0c000000010100"
     "0e00040201010000",
     ErrorCode::kInvalidBatch},
    {"key beyond the record",
     "0c000000010100"
     "0c000402100100",
     ErrorCode::kInvalidBatch},
    {"header missing",
     "0c000000010100"
     "0c000402010102",
     ErrorCode::kInvalidBatch},
    {"nothing", "", ErrorCode::kInvalidBatch},
};

std::string BatchOf(const std::string& records, Codec codec) {
  BatchHeader header;
  header.attributes = static_cast<int16_t>(codec);
  header.record_count = 2;
  header.last_offset_delta = 1;
  header.base_timestamp_ms = kBase;
  header.max_timestamp_ms = kMost;
  std::string payload;
  EXPECT_TRUE(Compress(codec, records, &payload).ok());
  return WrapPayload(header, payload);
}

TEST(Validate, EveryRecordRuleHasItsError) {
  for (const BadRecords& bad : kBadRecords) {
    const std::string records = FromHex(bad.records_hex);
    for (const Codec codec : kAllCodecs) {
      const std::string bytes = BatchOf(records, codec);
      EXPECT_EQ(CodeOfBatch(bytes, Validation::kDeep), bad.code) << bad.name << " " << CodecName(codec);
      EXPECT_EQ(CodeOfBatch(bytes, Validation::kParse), bad.code) << bad.name << " " << CodecName(codec);
      if (codec != Codec::kNone || records.size() >= 14) {
        EXPECT_EQ(CodeOfBatch(bytes, Validation::kHeader), ErrorCode::kNone) << bad.name;
      }
    }
  }
}

TEST(Validate, EachRecordLiesInTheTimestampRange) {
  // The first record is at 1000, the second at 990, before the base timestamp.
  const std::string bytes = [] {
    BatchBuilder builder;
    builder.Add(1000, "k", "v");
    builder.Add(990, "k", "v");
    return builder.Finish().value();
  }();
  ValidationOptions options;
  options.timestamp_min_ms = 995;
  EXPECT_EQ(CodeOf(ValidateBatch(bytes, options).status()), ErrorCode::kInvalidTimestamp);
  options.timestamp_min_ms = 990;
  EXPECT_TRUE(ValidateBatch(bytes, options).ok());
}

TEST(Validate, WhatIsNoFrameOfItsCodecIsRefusedUnlessOnlyTheHeaderIsChecked) {
  for (const Codec codec : kAllCodecs) {
    if (codec == Codec::kNone) continue;
    const BatchHeader header = DecodeBatchHeader(SampleBatch(codec));
    const std::string bytes = WrapPayload(header, std::string(2000, '\xff'));
    EXPECT_EQ(CodeOfBatch(bytes, Validation::kHeader), ErrorCode::kNone);
    EXPECT_EQ(CodeOfBatch(bytes, Validation::kParse), ErrorCode::kCorruptBatch) << CodecName(codec);
    EXPECT_EQ(CodeOfBatch(bytes, Validation::kDeep), ErrorCode::kCorruptBatch) << CodecName(codec);
  }
}

// Of data that does not compress, so that the batch is not small.
TEST(Validate, LargeCompressedBatchesAreOpenedInDeepModeOnly) {
  std::minstd_rand random(1);
  std::string noise(100'000, 0);
  for (char& c : noise) c = static_cast<char>(random());
  for (const Codec codec : kAllCodecs) {
    if (codec == Codec::kNone) continue;
    const std::string bytes = BatchOf(noise, codec);
    EXPECT_EQ(CodeOfBatch(bytes, Validation::kParse), ErrorCode::kNone) << CodecName(codec);
    EXPECT_EQ(CodeOfBatch(bytes, Validation::kDeep), ErrorCode::kInvalidBatch) << CodecName(codec);
  }
}

TEST(Validate, BombsAreRefusedUnlessOnlyTheHeaderIsChecked) {
  std::string content(8 * 1024 * 1024, 0);
  for (size_t i = 0; i < content.size(); ++i) content[i] = "abcdefg"[i % 7];
  for (const Validation validation : {Validation::kParse, Validation::kDeep}) {
    ValidationOptions options = With(validation);
    options.decompressed_bytes_max = 1024 * 1024;
    for (const Codec codec : kAllCodecs) {
      if (codec == Codec::kNone) continue;
      EXPECT_EQ(CodeOf(ValidateBatch(BatchOf(content, codec), options).status()), ErrorCode::kCorruptBatch)
          << CodecName(codec);
    }
  }
}

TEST(Validate, CountsThatCannotFitAreRefusedInEveryMode) {
  for (const Codec codec : kAllCodecs) {
    const std::string bytes = Changed(
        [](BatchHeader* h) {
          h->record_count = std::numeric_limits<int32_t>::max();
          h->last_offset_delta = h->record_count - 1;
        },
        codec);
    for (const Validation validation : {Validation::kHeader, Validation::kParse, Validation::kDeep}) {
      EXPECT_EQ(CodeOfBatch(bytes, validation), ErrorCode::kInvalidBatch) << CodecName(codec);
    }
  }
}

}  // namespace
}  // namespace leat
