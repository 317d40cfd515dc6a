#include "storage/meta/topic_config.h"

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/meta/setting_text.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

TEST(ByteSizeTest, TakesUnitsOfBothFamilies) {
  EXPECT_EQ(ParseByteSize("0"), 0);
  EXPECT_EQ(ParseByteSize("4096"), 4096);
  EXPECT_EQ(ParseByteSize("64MiB"), 64 << 20);
  EXPECT_EQ(ParseByteSize(" 1 GB "), 1'000'000'000);
  EXPECT_EQ(ParseByteSize("1.5KiB"), 1536);
  EXPECT_EQ(ParseByteSize("7B"), 7);
}

TEST(ByteSizeTest, RefusesWhatIsNotASize) {
  for (const char* text : {"", "MiB", "-1", "1.MiB", ".5MiB", "1 2", "1XB", "0.1B", "1.5", "64mib",
                           "9223372036854775808", "9999999TiB", "1.2.3KiB", "99999999999999999999999999"}) {
    EXPECT_EQ(ParseByteSize(text), std::nullopt) << text;
  }
}

TEST(DurationTextTest, TakesUnits) {
  EXPECT_EQ(ParseMilliseconds("500"), 500);
  EXPECT_EQ(ParseMilliseconds("500ms"), 500);
  EXPECT_EQ(ParseMilliseconds("1.5s"), 1500);
  EXPECT_EQ(ParseMilliseconds("10m"), 600'000);
  EXPECT_EQ(ParseMilliseconds("7d"), 7 * 24 * 3600 * 1000);
  EXPECT_EQ(ParseMilliseconds("1w"), ParseMilliseconds("7d"));
  EXPECT_EQ(ParseMilliseconds("1.0005s"), std::nullopt);
  EXPECT_EQ(ParseMilliseconds("7 years"), std::nullopt);
}

TEST(SettingTextTest, WhatIsFormattedIsTakenBack) {
  for (int64_t value : {int64_t{0}, int64_t{1}, int64_t{999}, int64_t{1024}, int64_t{1} << 40,
                        int64_t{86'400'000}, std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(ParseByteSize(FormatByteSize(value)), value);
    EXPECT_EQ(ParseMilliseconds(FormatMilliseconds(value)), value);
  }
  EXPECT_EQ(FormatByteSize(128 << 20), "128MiB");
  EXPECT_EQ(FormatMilliseconds(7LL * 24 * 3600 * 1000), "7d");
}

TEST(NearestNameTest, FindsTypingMistakesOnly) {
  const absl::string_view known[] = {"segment_bytes", "flush_ms", "durability"};
  EXPECT_EQ(NearestName("segment_byte", known), "segment_bytes");
  EXPECT_EQ(NearestName("Durabilty", known), "durability");
  EXPECT_EQ(NearestName("compression", known), "");
  EXPECT_EQ(NearestName("", known), "");
  EXPECT_EQ(NearestName(std::string(10'000, 'x'), known), "");
}

TEST(TopicConfigTest, EverySettingTakesBackWhatItGives) {
  TopicConfig config;
  for (const TopicSettingInfo& info : TopicSettings()) {
    const std::string text = GetTopicSetting(config, info.name);
    EXPECT_FALSE(text.empty()) << info.name;
    EXPECT_THAT(SetTopicSetting(config, info.name, text), IsOk()) << info.name << " = " << text;
    EXPECT_EQ(GetTopicSetting(config, info.name), text);
    EXPECT_FALSE(info.doc.empty());
  }
  EXPECT_EQ(TopicSettings().size(), 9u);
}

TEST(TopicConfigTest, SetsFields) {
  TopicConfig config;
  EXPECT_THAT(SetTopicSetting(config, "segment_bytes", "1MiB"), IsOk());
  EXPECT_THAT(SetTopicSetting(config, "durability", "written"), IsOk());
  EXPECT_THAT(SetTopicSetting(config, "validation", "deep"), IsOk());
  EXPECT_THAT(SetTopicSetting(config, "timestamp_after_max_ms", "any"), IsOk());
  EXPECT_THAT(SetTopicSetting(config, "timestamp_before_max_ms", "7d"), IsOk());
  EXPECT_EQ(config.segment_bytes, 1 << 20);
  EXPECT_EQ(config.durability, TopicDurability::kWritten);
  EXPECT_EQ(config.validation, Validation::kDeep);
  EXPECT_EQ(config.timestamp_after_max_ms, -1);
  EXPECT_EQ(config.timestamp_before_max_ms, 7LL * 24 * 3600 * 1000);
}

TEST(TopicConfigTest, RefusalsSayWhatIsAllowed) {
  TopicConfig config;
  const absl::Status range = SetTopicSetting(config, "segment_bytes", "1TiB");
  EXPECT_THAT(range, StatusIs(ErrorCode::kInvalidConfig));
  EXPECT_THAT(std::string(range.message()), testing::HasSubstr("1KiB..2147483647"));
  const absl::Status word = SetTopicSetting(config, "durability", "maybe");
  EXPECT_THAT(word, StatusIs(ErrorCode::kInvalidConfig));
  EXPECT_THAT(std::string(word.message()), testing::HasSubstr("durable|written"));
  const absl::Status name = SetTopicSetting(config, "segment_byte", "1MiB");
  EXPECT_THAT(name, StatusIs(ErrorCode::kInvalidConfig));
  EXPECT_THAT(std::string(name.message()), testing::HasSubstr("did you mean \"segment_bytes\""));
  EXPECT_EQ(config.segment_bytes, TopicConfig().segment_bytes);
}

}  // namespace
}  // namespace leat
