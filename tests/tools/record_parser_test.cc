#include "tools/cli/record_parser.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(RecordParser, ALineIsTheValue) {
  RecordParserOptions options;
  options.topic = "t";
  RecordParser parser(options);
  RecordRef record;
  ASSERT_TRUE(parser.Parse(absl::string_view("a\0b\r", 4), &record).ok());
  EXPECT_EQ(record.topic, "t");
  EXPECT_FALSE(record.key.has_value());
  EXPECT_EQ(*record.value, absl::string_view("a\0b\r", 4));
  ASSERT_TRUE(parser.Parse("", &record).ok());
  EXPECT_EQ(*record.value, "");
}

TEST(RecordParser, TheFirstDelimiterSplits) {
  RecordParserOptions options;
  options.key = "default";
  options.key_delimiter = "::";
  RecordParser parser(options);
  RecordRef record;
  ASSERT_TRUE(parser.Parse("k::v::w", &record).ok());
  EXPECT_EQ(*record.key, "k");
  EXPECT_EQ(*record.value, "v::w");
  ASSERT_TRUE(parser.Parse("no delimiter", &record).ok());
  EXPECT_EQ(*record.key, "default");
  EXPECT_EQ(*record.value, "no delimiter");
}

TEST(RecordParser, NullIsEmptyOrTheMarker) {
  RecordParserOptions options;
  options.key_delimiter = ":";
  options.null_text = "";
  RecordParser empty(options);
  RecordRef record;
  ASSERT_TRUE(empty.Parse(":", &record).ok());
  EXPECT_FALSE(record.key.has_value());
  EXPECT_FALSE(record.value.has_value());
  options.null_text = "NIL";
  RecordParser marker(options);
  ASSERT_TRUE(marker.Parse("k:NIL", &record).ok());
  EXPECT_EQ(*record.key, "k");
  EXPECT_FALSE(record.value.has_value());
  ASSERT_TRUE(marker.Parse("k:", &record).ok());
  EXPECT_EQ(*record.value, "");
}

TEST(RecordParser, JsonOverridesWhatTheOptionsSay) {
  RecordParserOptions options;
  options.format = InputFormat::kJson;
  options.key = "k";
  options.partition = 1;
  options.headers = {{"h", "1"}};
  RecordParser parser(options);
  RecordRef record;
  ASSERT_TRUE(parser.Parse(R"({"value":"v"})", &record).ok());
  EXPECT_EQ(*record.key, "k");
  EXPECT_EQ(record.partition, 1);
  ASSERT_TRUE(parser.Parse(R"({"key":"own","partition":2,"headers":{"a":"b"}})", &record).ok());
  EXPECT_EQ(*record.key, "own");
  EXPECT_EQ(record.partition, 2);
  EXPECT_FALSE(record.value.has_value());
  ASSERT_EQ(record.headers.size(), 2U);
  EXPECT_EQ(record.headers[0].key, "a");
  EXPECT_EQ(record.headers[1].key, "h");
  EXPECT_FALSE(parser.Parse("nonsense", &record).ok());
}

}  // namespace
}  // namespace leat
