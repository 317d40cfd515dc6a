#include "tools/cli/table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace leat {
namespace {

// Letters, not bytes: continuation bytes of UTF-8 take no place.
size_t Width(absl::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

void AppendCell(absl::string_view text, size_t width, Table::Align align, bool last, std::string* out) {
  const std::string space(width - std::min(width, Width(text)), ' ');
  if (align == Table::Align::kRight) out->append(space);
  out->append(text.data(), text.size());
  if (align == Table::Align::kLeft && !last) out->append(space);
  if (!last) out->append("  ");
}

// Cells before an empty last one leave spaces behind.
void EndLine(std::string* out) {
  out->erase(out->find_last_not_of(' ') + 1);
  out->push_back('\n');
}

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::Add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::string& cell : cells) {
    std::replace_if(
        cell.begin(), cell.end(),
        [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; }, '?');
  }
  rows_.push_back(std::move(cells));
}

std::string Table::Render(bool colour) const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = Width(columns_[i].title);
    for (const std::vector<std::string>& row : rows_) width = std::max(width, Width(row[i]));
    widths.push_back(width);
  }
  std::string out;
  if (colour) out.append("\x1b[1m");
  for (size_t i = 0; i < columns_.size(); ++i) {
    AppendCell(columns_[i].title, widths[i], columns_[i].align, i + 1 == columns_.size(), &out);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  out.append(colour ? "\x1b[0m\n" : "\n");
  for (const std::vector<std::string>& row : rows_) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      AppendCell(row[i], widths[i], columns_[i].align, i + 1 == columns_.size(), &out);
    }
    EndLine(&out);
  }
  return out;
}

std::string RenderFields(const std::vector<std::pair<std::string, std::string>>& fields) {
  size_t width = 0;
  for (const auto& [name, value] : fields) width = std::max(width, Width(name));
  std::string out;
  for (const auto& [name, value] : fields) {
    AppendCell(name, width, Table::Align::kLeft, false, &out);
    absl::StrAppend(&out, value, "\n");
  }
  return out;
}

}  // namespace leat
