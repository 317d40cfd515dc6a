#include "tools/cli/table.h"

#include <gtest/gtest.h>

namespace leat {
namespace {

TEST(Table, AlignsColumns) {
  Table table({{"NAME"}, {"SIZE", Table::Align::kRight}});
  table.Add({"orders", "5"});
  table.Add({"\xc3\xa4", "1024"});
  EXPECT_EQ(table.Render(false), "NAME    SIZE\norders     5\n\xc3\xa4       1024\n");
}

TEST(Table, KeepsControlCharactersOut) {
  Table table({{"A"}, {"B"}});
  table.Add({"x\x1b[2J\ny", "z"});
  EXPECT_EQ(table.Render(false), "A        B\nx?[2J?y  z\n");
}

TEST(Table, BoldTitleOnlyWithColour) {
  Table table({{"A"}});
  EXPECT_EQ(table.Render(true), "\x1b[1mA\x1b[0m\n");
}

TEST(Fields, AlignValues) {
  EXPECT_EQ(RenderFields({{"name", "x"}, {"partitions", "4"}}), "name        x\npartitions  4\n");
}

}  // namespace
}  // namespace leat
