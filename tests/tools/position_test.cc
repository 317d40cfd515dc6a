#include "tools/cli/position.h"

#include <gtest/gtest.h>

#include "tools/cli/exit_code.h"

namespace leat {
namespace {

using Kind = Position::Kind;
constexpr int64_t kNow = 1'714'559'400'000;  // 2024-05-01T10:30:00Z

Position One(absl::string_view text) {
  const auto position = ParsePosition(text, kNow);
  EXPECT_TRUE(position.ok()) << text << ": " << position.status();
  return position.value_or(Position{Kind::kStart, -999});
}

PositionRange Range(absl::string_view text) {
  const auto range = ParsePositionRange(text, kNow);
  EXPECT_TRUE(range.ok()) << text << ": " << range.status();
  return range.value_or(PositionRange());
}

TEST(Position, WordsAndNumbers) {
  EXPECT_EQ(One("start"), (Position{Kind::kStart, 0}));
  EXPECT_EQ(One("end"), (Position{Kind::kEnd, 0}));
  EXPECT_EQ(One("47"), (Position{Kind::kOffset, 47}));
  EXPECT_EQ(One("+5"), (Position{Kind::kFromStart, 5}));
  EXPECT_EQ(One("-3"), (Position{Kind::kFromEnd, 3}));
  EXPECT_EQ(One("9223372036854775807"), (Position{Kind::kOffset, INT64_MAX}));
}

TEST(Position, Times) {
  EXPECT_EQ(One("@1714559400000"), (Position{Kind::kTime, kNow}));
  EXPECT_EQ(One("@5"), (Position{Kind::kTime, 5}));
  EXPECT_EQ(One("@now"), (Position{Kind::kTime, kNow}));
  EXPECT_EQ(One("@-10m"), (Position{Kind::kTime, kNow - 600'000}));
  EXPECT_EQ(One("@2024-05-01T10:30:00Z"), (Position{Kind::kTime, kNow}));
  EXPECT_EQ(One("@2024-05-01T12:30:00+02:00"), (Position{Kind::kTime, kNow}));
  EXPECT_EQ(One("@2024-05-01T10:30:00.250Z"), (Position{Kind::kTime, kNow + 250}));
  EXPECT_EQ(One("@2024-05-01T10:30:00"), (Position{Kind::kTime, kNow}));
  EXPECT_EQ(One("@2024-05-01T10:30"), (Position{Kind::kTime, kNow}));
  EXPECT_EQ(One("@2024-05-01"), (Position{Kind::kTime, kNow - 37'800'000}));
}

TEST(Position, WrongOnesAreUsageErrors) {
  for (const char* text :
       {"", "@", "-", "+", "--1", "1.5", "begin", "@yesterday", "@-10", "@2024-13-01", " 1", "1 ",
        "@2024-05-01T10:30:00Zjunk", "@infinite-past", "99999999999999999999", "@ 5", "@-"}) {
    const auto position = ParsePosition(text, kNow);
    ASSERT_FALSE(position.ok()) << text;
    EXPECT_EQ(ExitCodeOf(position.status()), ExitCode::kUsage) << text;
  }
}

TEST(PositionRange, OffsetsAndOpenEnds) {
  EXPECT_EQ(Range("47").from, (Position{Kind::kOffset, 47}));
  EXPECT_FALSE(Range("47").to.has_value());
  EXPECT_EQ(Range("100:200").to, (Position{Kind::kOffset, 200}));
  EXPECT_FALSE(Range(":end").from.has_value());
  EXPECT_EQ(Range(":end").to, (Position{Kind::kEnd, 0}));
  EXPECT_EQ(Range("-10:-2").from, (Position{Kind::kFromEnd, 10}));
  EXPECT_EQ(Range("-10:-2").to, (Position{Kind::kFromEnd, 2}));
  EXPECT_FALSE(Range("5:").to.has_value());
}

TEST(PositionRange, TimesKeepTheirColons) {
  EXPECT_EQ(Range("@2024-05-01T10:30:00Z").from, (Position{Kind::kTime, kNow}));
  EXPECT_FALSE(Range("@2024-05-01T10:30:00Z").to.has_value());
  EXPECT_EQ(Range("@2024-05-01T10:30:00Z:1h").to, (Position{Kind::kTime, kNow + 3'600'000}));
  EXPECT_EQ(Range("@2024-05-01T10:30:00Z:@2024-05-01T11:30:00Z").to,
            (Position{Kind::kTime, kNow + 3'600'000}));
  EXPECT_EQ(Range("@-48h:-24h").from, (Position{Kind::kTime, kNow - 172'800'000}));
  EXPECT_EQ(Range("@-1m:end").to, (Position{Kind::kEnd, 0}));
}

TEST(PositionRange, WrongOnesAreUsageErrors) {
  for (const char* text : {"", "a:b", "1:2:3", "1h:2h", "1:1h"})
    EXPECT_FALSE(ParsePositionRange(text, kNow).ok()) << text;
}

}  // namespace
}  // namespace leat
