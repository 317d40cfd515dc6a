#include "client/internal/partitioner.h"

#include <string>
#include <utility>

#include "gtest/gtest.h"

namespace leat {
namespace {

// Values of Kafka's own test of its hash.
TEST(PartitionerTest, HashesAsKafkaDoes) {
  const std::pair<const char*, int32_t> vectors[] = {
      {"21", -973932308},
      {"foobar", -790332482},
      {"a-little-bit-long-string", -985981536},
      {"a-little-bit-longer-string", -1486304829},
      {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
      {"abc", 479470107},
  };
  for (const auto& [key, hash] : vectors) EXPECT_EQ(Murmur2(key), hash) << key;
}

TEST(PartitionerTest, TakesTheHashWithoutItsSign) {
  EXPECT_EQ(PartitionOfKey("21", 1000), static_cast<int32_t>((uint32_t(-973932308) & 0x7fffffffu) % 1000));
  EXPECT_EQ(PartitionOfKey("abc", 7), 479470107 % 7);
  EXPECT_EQ(PartitionOfKey("anything", 1), 0);
}

TEST(PartitionerTest, ReadsBytesAsUnsigned) {
  // The same key in other memory, at another alignment, with bytes above 127.
  const std::string key("\xff\x80\x00\x01\xfe\x7f\xc3", 7);
  const std::string shifted = "x" + key;
  EXPECT_EQ(Murmur2(key), Murmur2(absl::string_view(shifted).substr(1)));
  EXPECT_NE(Murmur2(key), Murmur2(absl::string_view(key).substr(0, 6)));
}

TEST(PartitionerTest, SpreadsKeys) {
  int count[8] = {};
  for (int i = 0; i < 8000; ++i) ++count[PartitionOfKey("key-" + std::to_string(i), 8)];
  for (const int each : count) EXPECT_NEAR(each, 1000, 200);
}

}  // namespace
}  // namespace leat
