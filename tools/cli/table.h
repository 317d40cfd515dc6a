#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace leat {

// A table for people: columns aligned, two spaces between them, no lines around.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns);

  // As many cells as there are columns. Control characters in cells show as '?'.
  void Add(std::vector<std::string> cells);

  bool empty() const { return rows_.empty(); }

  // Title line and rows; the title in bold when `colour`.
  std::string Render(bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "name   value" lines, values aligned; for descriptions of one thing.
std::string RenderFields(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace leat
