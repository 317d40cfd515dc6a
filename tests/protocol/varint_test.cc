#include "protocol/record/varint.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <string>
#include <utility>

#include "tests/protocol/record_test_util.h"

namespace leat {
namespace {

std::string Encode(int64_t value) {
  std::string bytes(kVarlongBytesMax, '\0');
  char* const end = WriteVarint(bytes.data(), value);
  bytes.resize(static_cast<size_t>(end - bytes.data()));
  return bytes;
}

TEST(Varint, MatchesKnownSamples) {
  const std::pair<int32_t, const char*> samples[] = {
      {0, "00"},    {-1, "01"},    {63, "7e"},    {-64, "7f"},
      {64, "8001"}, {-65, "8101"}, {300, "d804"}, {std::numeric_limits<int32_t>::max(), "feffffff0f"}};
  for (const auto& [value, hex] : samples) {
    const std::string bytes = FromHex(hex);
    EXPECT_EQ(Encode(value), bytes) << value;
    EXPECT_EQ(VarintBytes(value), bytes.size()) << value;
    int32_t read = 0;
    EXPECT_EQ(ReadVarint(bytes.data(), bytes.data() + bytes.size(), &read), bytes.data() + bytes.size());
    EXPECT_EQ(read, value);
  }
}

// The place after the number, as an index; -1 when it was refused.
template <typename Value, typename Read>
std::pair<ptrdiff_t, Value> Decode(const std::string& bytes, Read read) {
  Value value = 0;
  const char* const next = read(bytes.data(), bytes.data() + bytes.size(), &value);
  return {next == nullptr ? -1 : next - bytes.data(), value};
}

RC_GTEST_PROP(VarintProperty, NumbersOf32BitsComeBack, (int32_t value)) {
  const std::string bytes = Encode(value);
  RC_ASSERT(bytes.size() == VarintBytes(value));
  RC_ASSERT(bytes.size() <= kVarintBytesMax);
  const auto [next, read] = Decode<int32_t>(bytes, ReadVarint);
  RC_ASSERT(next == static_cast<ptrdiff_t>(bytes.size()));
  RC_ASSERT(read == value);
}

RC_GTEST_PROP(VarintProperty, NumbersOf64BitsComeBackAndTheirPrefixesDoNot, ()) {
  const auto value = *rc::gen::oneOf(
      rc::gen::arbitrary<int64_t>(),
      rc::gen::element(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()),
      rc::gen::map(rc::gen::inRange(0, 63),
                   [](int bits) { return static_cast<int64_t>(uint64_t{1} << bits) - 1; }));
  const std::string bytes = Encode(value);
  RC_ASSERT(bytes.size() == VarintBytes(value));
  const auto [next, read] = Decode<int64_t>(bytes, ReadVarlong);
  RC_ASSERT(next == static_cast<ptrdiff_t>(bytes.size()));
  RC_ASSERT(read == value);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    RC_ASSERT(Decode<int64_t>(bytes.substr(0, cut), ReadVarlong).first == -1);
  }
}

TEST(Varint, TakesOverlongFormsUpToTheLimitAndNoMore) {
  EXPECT_EQ(Decode<int32_t>(FromHex("8000"), ReadVarint), std::make_pair(ptrdiff_t{2}, 0));
  EXPECT_EQ(Decode<int32_t>(FromHex("8180808000"), ReadVarint), std::make_pair(ptrdiff_t{5}, -1));
  EXPECT_EQ(Decode<int32_t>(FromHex("818080808000"), ReadVarint).first, -1);
  EXPECT_EQ(Decode<int32_t>(FromHex("ffffffff0f"), ReadVarint),
            std::make_pair(ptrdiff_t{5}, std::numeric_limits<int32_t>::min()));
  EXPECT_EQ(Decode<int32_t>(FromHex("ffffffff1f"), ReadVarint).first, -1);  // needs 33 bits
  EXPECT_EQ(Decode<int64_t>(FromHex("ffffffffffffffffff01"), ReadVarlong),
            std::make_pair(ptrdiff_t{10}, std::numeric_limits<int64_t>::min()));
  EXPECT_EQ(Decode<int64_t>(FromHex("ffffffffffffffffff02"), ReadVarlong).first, -1);
  EXPECT_EQ(Decode<int64_t>(FromHex("ffffffffffffffffffff00"), ReadVarlong).first, -1);
}

TEST(Varint, HandsANullPointerOn) {
  int32_t value = 0;
  int64_t long_value = 0;
  EXPECT_EQ(ReadVarint(nullptr, nullptr, &value), nullptr);
  EXPECT_EQ(ReadVarlong(nullptr, nullptr, &long_value), nullptr);
}

}  // namespace
}  // namespace leat
