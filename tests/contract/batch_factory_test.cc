#include "tests/support/batch_factory.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

TEST(BatchFactory, DecodesWhatItMakes) {
  for (const Codec codec : {Codec::kNone, Codec::kZstd}) {
    SeededRandom random(1);
    std::vector<TestRecord> records = RandomRecords(50, 200, random);
    const std::string batch = AtOffset(MakeBatch(records, {.codec = codec}), 1000);
    for (size_t i = 0; i < records.size(); ++i) records[i].offset = 1000 + static_cast<Offset>(i);
    EXPECT_THAT(DecodeBatches(batch), IsOkAndHolds(records));
  }
}

TEST(BatchFactory, DecodesBatchesBackToBack) {
  const std::string bytes = AtOffset(MakeValueBatch({"a", "b"}), 7) + AtOffset(MakeValueBatch({"c"}), 9);
  ASSERT_OK_AND_ASSIGN(const std::vector<TestRecord> records, DecodeBatches(bytes));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[2].offset, 9);
  EXPECT_EQ(records[2].value, "c");
}

TEST(BatchFactory, DamageIsAnError) {
  std::string bytes = MakeValueBatch({"abc"});
  EXPECT_THAT(DecodeBatches(bytes.substr(0, bytes.size() - 1)), StatusIs(ErrorCode::kCorruptBatch));
  bytes.back() ^= 1;
  EXPECT_THAT(DecodeBatches(bytes), StatusIs(ErrorCode::kCorruptBatch));
}

}  // namespace
}  // namespace leat
