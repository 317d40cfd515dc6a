// What damage does to a batch: each byte changed in every way, cut anywhere, with and without a CRC that
// fits.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/record/batch.h"
#include "protocol/record/error.h"
#include "protocol/record/validate.h"
#include "tests/protocol/record_test_util.h"

namespace leat {
namespace {

bool InBaseOffset(size_t at) { return at < 8; }
bool InLeaderEpoch(size_t at) { return at >= 12 && at < 16; }

class Corruption : public testing::TestWithParam<Codec> {
 protected:
  const std::string bytes_ = SampleBatch(GetParam());
  const std::vector<OwnedRecord> records_ = ReadRecords(bytes_).value();
};

TEST_P(Corruption, OfAnyByteOfAStoredBatchIsDetectedOrHarmless) {
  // The batch stands in the middle of a segment: a wrong length finds bytes to read.
  const std::string next = SampleBatch(Codec::kNone) + std::string(5000, 'x');
  for (size_t at = 0; at < bytes_.size(); ++at) {
    for (int change = 1; change < 256; ++change) {
      std::string damaged = bytes_ + next;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      const absl::StatusOr<BatchView> batch = CheckStoredBatch(damaged);
      if (!batch.ok()) {
        ASSERT_EQ(CodeOf(batch.status()), ErrorCode::kCorruptBatch);
        continue;
      }
      // The two fields outside the CRC. The records stay what they were; whether the offset follows the one
      // before it is checked by those who know the batch before it.
      ASSERT_TRUE(InBaseOffset(at) || InLeaderEpoch(at)) << "byte " << at << " xor " << change;
      ASSERT_EQ(batch->bytes().size(), bytes_.size());
      ASSERT_EQ(ReadRecords(*batch).value(), records_);
    }
  }
}

TEST_P(Corruption, OfAnyByteOfASentBatchIsDetectedOrHarmless) {
  ValidationOptions options;
  options.validation = Validation::kDeep;
  for (size_t at = 0; at < bytes_.size(); ++at) {
    for (int change = 1; change < 256; ++change) {
      std::string damaged = bytes_;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      // Only the leader epoch of a request means nothing: the broker writes its own.
      ASSERT_EQ(ValidateBatch(damaged, options).ok(), InLeaderEpoch(at))
          << "byte " << at << " xor " << change;
    }
  }
}

TEST_P(Corruption, ByTruncationIsDetected) {
  for (size_t cut = 0; cut < bytes_.size(); ++cut) {
    const absl::string_view piece = absl::string_view(bytes_).substr(0, cut);
    EXPECT_EQ(CodeOf(CheckStoredBatch(piece).status()), ErrorCode::kCorruptBatch) << cut;
    EXPECT_EQ(CodeOf(ValidateBatch(piece, {}).status()), ErrorCode::kCorruptBatch) << cut;
  }
}

TEST_P(Corruption, ByTruncationOfThePayloadUnderAGoodCrcIsDetected) {
  const BatchView batch = BatchView::Parse(bytes_).value();
  ValidationOptions options;
  options.validation = Validation::kDeep;
  for (size_t cut = 0; cut < batch.payload().size(); ++cut) {
    const std::string cut_batch = WrapPayload(batch.header(), batch.payload().substr(0, cut));
    EXPECT_EQ(CodeOf(ReadRecords(cut_batch).status()), ErrorCode::kCorruptBatch) << cut;
    const ErrorCode code = CodeOf(ValidateBatch(cut_batch, options).status());
    EXPECT_TRUE(code == ErrorCode::kCorruptBatch || code == ErrorCode::kInvalidBatch) << cut;
  }
}

TEST_P(Corruption, OfThePayloadUnderAGoodCrcGivesRecordsOrAnError) {
  const BatchView batch = BatchView::Parse(bytes_).value();
  const DecodeLimits limits{.decompressed_bytes_max = 1024 * 1024};
  for (size_t at = 0; at < batch.payload().size(); ++at) {
    for (int change = 1; change < 256; change += 1 + change / 8) {
      std::string payload(batch.payload());
      payload[at] = static_cast<char>(payload[at] ^ change);
      const std::string damaged = WrapPayload(batch.header(), payload);
      const auto records = ReadRecords(CheckStoredBatch(damaged).value(), limits);
      if (records.ok()) {
        ASSERT_EQ(records->size(), records_.size());
      } else {
        ASSERT_EQ(CodeOf(records.status()), ErrorCode::kCorruptBatch);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Corruption, testing::ValuesIn(kAllCodecs),
                         [](const auto& instance) { return std::string(CodecName(instance.param)); });

}  // namespace
}  // namespace leat
