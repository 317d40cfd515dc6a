#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/cli/shown_record.h"

namespace leat {

// A format string (--format '%t %p %o %k %v\n'), taken apart once and applied to many records. One thread.
class RecordFormat {
 public:
  // A usage error for an escape that does not exist. `null_text` is what a null key or value shows as.
  static absl::StatusOr<RecordFormat> Parse(absl::string_view text, absl::string_view null_text);

  // Appends the record's form to `out`. Bytes go out as they are.
  void Append(const ShownRecord& record, std::string* out);

  // All escapes, for --help.
  static absl::string_view Help();

 private:
  struct Piece {
    char field = 0;  // 0: only `literal`
    std::string literal;
  };

  explicit RecordFormat(absl::string_view null_text) : null_text_(null_text) {}
  void AppendField(char field, const ShownRecord& record, std::string* out);

  std::string null_text_;
  std::vector<Piece> pieces_;
  uint64_t count_ = 0;
};

// "\t", "\n", "\\", "\x1f" and so on in a delimiter option become the characters they stand for.
absl::StatusOr<std::string> Unescape(absl::string_view text);

}  // namespace leat
