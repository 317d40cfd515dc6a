#include "tools/cli/record_json.h"

#include <gtest/gtest.h>

#include "tools/cli/utf8.h"

namespace leat {
namespace {

absl::string_view Bytes(const char* text, size_t size) { return absl::string_view(text, size); }

TEST(RecordJson, WritesTextAsText) {
  std::vector<HeaderView> headers = {{"h", absl::string_view("x")}, {"n", std::nullopt}};
  ShownRecord record;
  record.topic = "t";
  record.offset = 7;
  record.timestamp_ms = 5;
  record.key = "k\n\"";
  record.headers = headers;
  std::string out;
  AppendRecordJson(record, &out);
  EXPECT_EQ(
      out,
      "{\"topic\":\"t\",\"partition\":0,\"offset\":7,\"timestamp\":5,\"key\":\"k\\n\\\"\",\"value\":null,"
      "\"headers\":[{\"key\":\"h\",\"value\":\"x\"},{\"key\":\"n\",\"value\":null}]}\n");
}

TEST(RecordJson, WritesOtherBytesAsBase64AndReadsThemBack) {
  ShownRecord record;
  record.key = Bytes("\xff\x00", 2);
  record.value = "\xc3\xa4";
  std::string out;
  AppendRecordJson(record, &out);
  EXPECT_NE(out.find("\"key_base64\":\"/wA=\""), std::string::npos) << out;
  EXPECT_NE(out.find("\"value\":\"\xc3\xa4\""), std::string::npos) << out;
  Record back;
  ASSERT_TRUE(ParseRecordJson(out, &back).ok());
  EXPECT_EQ(back.key, std::string("\xff\x00", 2));
  EXPECT_EQ(back.value, "\xc3\xa4");
}

TEST(RecordJson, ReadsEverythingARecordHas) {
  Record record;
  record.key = "left over";
  ASSERT_TRUE(
      ParseRecordJson(R"({"value":"v","timestamp":12,"partition":3,"headers":{"a":"1","b":null}})", &record)
          .ok());
  EXPECT_EQ(record.key, std::nullopt);
  EXPECT_EQ(record.value, "v");
  EXPECT_EQ(record.timestamp_ms, 12);
  EXPECT_EQ(record.partition, 3);
  EXPECT_EQ(record.headers, (std::vector<RecordHeader>{{"a", "1"}, {"b", std::nullopt}}));
  ASSERT_TRUE(ParseRecordJson(R"({"headers":[{"key":"a","value":"1"},{"key":"a","value_base64":"AA=="}],
                                  "timestamp":"2024-05-01T10:30:00Z"})",
                              &record)
                  .ok());
  EXPECT_EQ(record.headers, (std::vector<RecordHeader>{{"a", "1"}, {"a", std::string(1, '\0')}}));
  EXPECT_EQ(record.timestamp_ms, 1714559400000);
  EXPECT_EQ(record.partition, std::nullopt);
}

TEST(RecordJson, TellsWhatIsWrong) {
  const std::pair<const char*, const char*> kWrong[] = {
      {"", "not JSON"},
      {"{", "not JSON"},
      {"[1]", "not a JSON object"},
      {"{\"value\":\"\xff\"}", "not JSON"},
      {R"({"vlaue":"x"})", "vlaue"},
      {R"({"value":1})", "value"},
      {R"({"key_base64":"*"})", "base64"},
      {R"({"partition":-1})", "partition"},
      {R"({"partition":4294967296})", "partition"},
      {R"({"timestamp":1.5})", "timestamp"},
      {R"({"timestamp":18446744073709551615})", "timestamp"},
      {R"({"headers":"x"})", "headers"},
      {R"({"headers":[{"value":"x"}]})", "key"},
      {R"({"headers":[{"key":null}]})", "key"},
      {R"({"value":"x"} {"value":"y"})", "not JSON"},
  };
  for (const auto& [line, word] : kWrong) {
    Record record;
    const absl::Status status = ParseRecordJson(line, &record);
    ASSERT_FALSE(status.ok()) << line;
    EXPECT_NE(std::string(status.message()).find(word), std::string::npos) << line << ": " << status;
  }
}

TEST(Utf8, TakesWhatRfc3629Allows) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain ascii, longer than eight"));
  EXPECT_TRUE(IsUtf8("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x8e\x89"));
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf"));
  for (const char* text : {"\xff", "\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "12345678\xc3", "\xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

}  // namespace
}  // namespace leat
