#include "tools/cli/quantity.h"

#include <gtest/gtest.h>

#include "tools/cli/exit_code.h"

namespace leat {
namespace {

TEST(ByteSize, TakesPlainNumbersAndUnits) {
  EXPECT_EQ(*ParseByteSize("0"), 0U);
  EXPECT_EQ(*ParseByteSize("65536"), 65536U);
  EXPECT_EQ(*ParseByteSize("64KiB"), 65536U);
  EXPECT_EQ(*ParseByteSize("64k"), 65536U);
  EXPECT_EQ(*ParseByteSize("1.5MB"), 1'500'000U);
  EXPECT_EQ(*ParseByteSize("2GiB"), 2ULL << 30);
  EXPECT_EQ(*ParseByteSize("18446744073709551615"), UINT64_MAX);
}

TEST(ByteSize, RefusesTheRestAsUsage) {
  for (const char* text :
       {"", "x", "-1", "1 MB", "1MiBs", "1..5K", "1e9", "99999999999999999999", "9999999TiB"}) {
    const auto size = ParseByteSize(text);
    ASSERT_FALSE(size.ok()) << text;
    EXPECT_EQ(ExitCodeOf(size.status()), ExitCode::kUsage) << text;
  }
}

TEST(Span, TakesSingleAndCombinedForms) {
  EXPECT_EQ(*ParseSpan("0"), absl::ZeroDuration());
  EXPECT_EQ(*ParseSpan("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(*ParseSpan("1h30m"), absl::Minutes(90));
  EXPECT_EQ(*ParseSpan("7d"), absl::Hours(168));
  EXPECT_EQ(*ParseSpan("0.5s"), absl::Milliseconds(500));
}

TEST(Span, RefusesTheRest) {
  for (const char* text : {"", "10", "-1s", "s", "1y", "1s ", "1h30", "99999999999w"}) {
    EXPECT_FALSE(ParseSpan(text).ok()) << text;
  }
}

TEST(Rate, IsPerSecond) {
  EXPECT_DOUBLE_EQ(*ParseRate("100/s"), 100);
  EXPECT_DOUBLE_EQ(*ParseRate("100"), 100);
  EXPECT_DOUBLE_EQ(*ParseRate("60/m"), 1);
  EXPECT_DOUBLE_EQ(*ParseRate("1800/h"), 0.5);
  for (const char* text : {"", "0", "-1", "1/x", "/s", "1/s/s", "fast"})
    EXPECT_FALSE(ParseRate(text).ok()) << text;
}

TEST(Speed, IsAFactorAboveZero) {
  EXPECT_DOUBLE_EQ(*ParseSpeed("2x"), 2);
  EXPECT_DOUBLE_EQ(*ParseSpeed("0.5"), 0.5);
  for (const char* text : {"", "x", "0x", "-2x", "2xx"}) EXPECT_FALSE(ParseSpeed(text).ok()) << text;
}

TEST(Partitions, ListsAndRangesSortedOnce) {
  EXPECT_EQ(*ParsePartitions("0,2-4"), (std::vector<uint32_t>{0, 2, 3, 4}));
  EXPECT_EQ(*ParsePartitions("4,1-2,2"), (std::vector<uint32_t>{1, 2, 4}));
  for (const char* text : {"", ",", "1,", "4-2", "a", "-1", "1-", "0-4000000000"}) {
    EXPECT_FALSE(ParsePartitions(text).ok()) << text;
  }
}

TEST(Format, BytesSpansAndTimes) {
  EXPECT_EQ(FormatBytes(312), "312 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(1024 * 1024 - 1), "1.0 MiB");
  EXPECT_EQ(FormatSpan(absl::Microseconds(850)), "850 us");
  EXPECT_EQ(FormatSpan(absl::Milliseconds(4200)), "4.2 s");
  EXPECT_EQ(FormatSpan(absl::Seconds(192)), "3m 12s");
  EXPECT_EQ(FormatSpan(absl::Hours(52)), "2d 4h");
  EXPECT_EQ(FormatTime(1714559400123), "2024-05-01T10:30:00.123Z");
  EXPECT_EQ(FormatTime(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatTime(INT64_MAX), "@9223372036854775807");
}

}  // namespace
}  // namespace leat
