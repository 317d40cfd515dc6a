#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"

// PROTOCOL.md is what strangers write clients from: its error table has to be the one of the code.

namespace leat {
namespace {

struct Row {
  std::string name;
  std::string retriable;
  std::string meaning;
};

// The table is made of lines `| number | NAME | yes or no | meaning |`.
std::map<int32_t, Row> DocumentedErrors() {
  std::ifstream file(LEAT_SOURCE_DIR "/protocol/PROTOCOL.md");
  EXPECT_TRUE(file.is_open());
  std::map<int32_t, Row> rows;
  std::string line;
  bool in_section = false;
  while (std::getline(file, line)) {
    if (line.rfind("## ", 0) == 0) in_section = line.find("Errors") != std::string::npos;
    if (!in_section) continue;
    std::vector<std::string> cells = absl::StrSplit(line, '|');
    if (cells.size() != 6) continue;
    for (std::string& cell : cells) cell = std::string(absl::StripAsciiWhitespace(cell));
    int32_t number = 0;
    if (!absl::SimpleAtoi(cells[1], &number)) continue;
    EXPECT_EQ(rows.count(number), 0u) << "twice in PROTOCOL.md: " << number;
    rows[number] = Row{cells[2], cells[3], cells[4]};
  }
  return rows;
}

TEST(ErrorTableTest, ProtocolPageListsExactlyTheErrorsOfTheCode) {
  std::map<int32_t, Row> rows = DocumentedErrors();
  for (const ErrorInfo& info : ErrorTable()) {
    const auto number = static_cast<int32_t>(info.code);
    ASSERT_EQ(rows.count(number), 1u) << "not in PROTOCOL.md: " << info.name;
    EXPECT_EQ(rows[number].name, std::string(info.name));
    EXPECT_EQ(rows[number].retriable, info.retriable ? "yes" : "no") << info.name;
    EXPECT_FALSE(rows[number].meaning.empty()) << info.name;
    rows.erase(number);
  }
  EXPECT_TRUE(rows.empty()) << "only in PROTOCOL.md: " << rows.begin()->second.name;
}

}  // namespace
}  // namespace leat
