#include "tools/cli/record_format.h"

#include <cctype>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/quantity.h"

namespace leat {
namespace {

constexpr absl::string_view kFields = "tpokvhTdKVHi";

int HexDigit(char digit) {
  if (std::isxdigit(static_cast<unsigned char>(digit)) == 0) return -1;
  const int lower = std::tolower(static_cast<unsigned char>(digit));
  return lower <= '9' ? lower - '0' : lower - 'a' + 10;
}

// Reads the escape whose backslash is at `*at` and moves `*at` behind it; false when there is no such escape.
bool ReadBackslash(absl::string_view text, size_t* at, char* character) {
  constexpr std::pair<char, char> kSimple[] = {{'n', '\n'}, {'t', '\t'},  {'r', '\r'},
                                               {'0', '\0'}, {'\\', '\\'}, {'e', '\x1b'}};
  if (*at + 1 >= text.size()) return false;
  const char kind = text[*at + 1];
  for (const auto& [name, value] : kSimple) {
    if (kind != name) continue;
    *character = value;
    *at += 2;
    return true;
  }
  if (kind != 'x' || *at + 3 >= text.size()) return false;
  const int high = HexDigit(text[*at + 2]);
  const int low = HexDigit(text[*at + 3]);
  if (high < 0 || low < 0) return false;
  *character = static_cast<char>(high * 16 + low);
  *at += 4;
  return true;
}

absl::Status NoSuchEscape(absl::string_view text, size_t at) {
  const absl::string_view escape = text.substr(at, 2);
  return UsageError(
      absl::StrCat("there is no escape '", escape, "' (in '", text, "'); known are ", RecordFormat::Help()));
}

void AppendHeaders(const ShownRecord& record, absl::string_view null_text, std::string* out) {
  bool first = true;
  for (const HeaderView& header : record.headers) {
    if (!first) out->push_back(',');
    first = false;
    absl::StrAppend(out, header.key, "=", header.value.value_or(null_text));
  }
}

int64_t LengthOf(const std::optional<absl::string_view>& bytes) {
  return bytes.has_value() ? static_cast<int64_t>(bytes->size()) : -1;
}

}  // namespace

absl::StatusOr<RecordFormat> RecordFormat::Parse(absl::string_view text, absl::string_view null_text) {
  RecordFormat format(null_text);
  Piece piece;
  size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '\\') {
      char character = 0;
      if (!ReadBackslash(text, &at, &character)) return NoSuchEscape(text, at);
      piece.literal.push_back(character);
    } else if (text[at] != '%') {
      piece.literal.push_back(text[at++]);
    } else if (at + 1 < text.size() && text[at + 1] == '%') {
      piece.literal.push_back('%');
      at += 2;
    } else {
      if (at + 1 >= text.size() || kFields.find(text[at + 1]) == absl::string_view::npos) {
        return NoSuchEscape(text, at);
      }
      piece.field = text[at + 1];
      format.pieces_.push_back(std::exchange(piece, Piece()));
      at += 2;
    }
  }
  if (!piece.literal.empty()) format.pieces_.push_back(std::move(piece));
  return format;
}

void RecordFormat::Append(const ShownRecord& record, std::string* out) {
  ++count_;
  for (const Piece& piece : pieces_) {
    out->append(piece.literal);
    if (piece.field != 0) AppendField(piece.field, record, out);
  }
}

void RecordFormat::AppendField(char field, const ShownRecord& record, std::string* out) {
  const auto append = [out](absl::string_view bytes) { out->append(bytes.data(), bytes.size()); };
  switch (field) {
    case 't':
      return append(record.topic);
    case 'p':
      return absl::StrAppend(out, record.partition);
    case 'o':
      return absl::StrAppend(out, record.offset);
    case 'k':
      return append(record.key.value_or(null_text_));
    case 'v':
      return append(record.value.value_or(null_text_));
    case 'h':
      return AppendHeaders(record, null_text_, out);
    case 'T':
      return absl::StrAppend(out, record.timestamp_ms);
    case 'd':
      return absl::StrAppend(out, FormatTime(record.timestamp_ms));
    case 'K':
      return absl::StrAppend(out, LengthOf(record.key));
    case 'V':
      return absl::StrAppend(out, LengthOf(record.value));
    case 'H':
      return absl::StrAppend(out, record.headers.size());
    default:
      return absl::StrAppend(out, count_);
  }
}

absl::string_view RecordFormat::Help() {
  return "%t topic, %p partition, %o offset, %k key, %v value, %h headers (name=value,...), %T timestamp in "
         "ms, "
         "%d timestamp as UTC date and time, %K %V length of key and value (-1: null), %H number of headers, "
         "%i running number, %% percent, \\n \\t \\r \\e \\0 \\\\ \\xHH";
}

absl::StatusOr<std::string> Unescape(absl::string_view text) {
  std::string plain;
  size_t at = 0;
  while (at < text.size()) {
    char character = text[at];
    if (character != '\\') {
      ++at;
    } else if (!ReadBackslash(text, &at, &character)) {
      return UsageError(absl::StrCat("there is no escape '", text.substr(at, 2), "' (in '", text,
                                     "'); known are \\n \\t \\r \\e \\0 \\\\ \\xHH"));
    }
    plain.push_back(character);
  }
  return plain;
}

}  // namespace leat
