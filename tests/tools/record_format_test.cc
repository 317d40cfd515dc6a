#include "tools/cli/record_format.h"

#include <gtest/gtest.h>

#include "tools/cli/exit_code.h"

namespace leat {
namespace {

std::string Show(absl::string_view format, const ShownRecord& record, absl::string_view null_text = "") {
  auto parsed = RecordFormat::Parse(format, null_text);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  std::string out;
  if (parsed.ok()) parsed->Append(record, &out);
  return out;
}

struct Sample {
  std::vector<HeaderView> headers = {{"a", absl::string_view("1")}, {"b", std::nullopt}};
  ShownRecord record;
  Sample() {
    record.topic = "t";
    record.partition = 3;
    record.offset = 42;
    record.timestamp_ms = 1714559400123;
    record.key = "k";
    record.value = absl::string_view("v\0w", 3);
    record.headers = headers;
  }
};

TEST(RecordFormat, AllFields) {
  const Sample sample;
  EXPECT_EQ(Show("%t %p %o %k %v %h %T", sample.record),
            absl::StrCat("t 3 42 k ", absl::string_view("v\0w", 3), " a=1,b= 1714559400123"));
  EXPECT_EQ(Show("%d|%K|%V|%H|%i", sample.record), "2024-05-01T10:30:00.123Z|1|3|2|1");
}

TEST(RecordFormat, EscapesAndLiterals) {
  const Sample sample;
  EXPECT_EQ(Show("100%%\\t\\\\\\x41\\n", sample.record), "100%\t\\A\n");
  EXPECT_EQ(Show("", sample.record), "");
  EXPECT_EQ(Show("\\0", sample.record), std::string(1, '\0'));
}

TEST(RecordFormat, NullShowsAsTheTextChosen) {
  ShownRecord record;
  EXPECT_EQ(Show("[%k][%v]%K", record), "[][]-1");
  EXPECT_EQ(Show("[%k][%v]", record, "NULL"), "[NULL][NULL]");
}

TEST(RecordFormat, CountsRecords) {
  const Sample sample;
  auto format = RecordFormat::Parse("%i,", "");
  std::string out;
  for (int i = 0; i < 3; ++i) format->Append(sample.record, &out);
  EXPECT_EQ(out, "1,2,3,");
}

TEST(RecordFormat, UnknownEscapesAreUsageErrors) {
  for (const char* text : {"%z", "%", "abc%", "\\q", "\\", "\\x4", "\\xzz"}) {
    const auto format = RecordFormat::Parse(text, "");
    ASSERT_FALSE(format.ok()) << text;
    EXPECT_EQ(ExitCodeOf(format.status()), ExitCode::kUsage) << text;
  }
}

TEST(Unescape, DelimitersMayBeControlCharacters) {
  EXPECT_EQ(*Unescape("\\t"), "\t");
  EXPECT_EQ(*Unescape("a:b"), "a:b");
  EXPECT_FALSE(Unescape("\\").ok());
}

}  // namespace
}  // namespace leat
