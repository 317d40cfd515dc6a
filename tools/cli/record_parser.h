#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/record.h"

namespace leat {

enum class InputFormat { kLines, kJson };

struct RecordParserOptions {
  std::string topic;
  InputFormat format = InputFormat::kLines;
  // For each record, where its line does not say otherwise.
  std::optional<std::string> key;
  std::optional<int32_t> partition;
  // Added to each record.
  std::vector<RecordHeader> headers;
  // Lines only: what stands between key and value (empty: no key in the line), and the text that means null.
  std::string key_delimiter;
  std::optional<std::string> null_text;
};

// Makes records of input lines. One thread.
class RecordParser {
 public:
  explicit RecordParser(RecordParserOptions options);

  // A line that is no record: white space alone between JSON lines.
  bool IsBlank(absl::string_view line) const;

  // `record` refers to `line` and to this parser: valid until the next call.
  absl::Status Parse(absl::string_view line, RecordRef* record);

 private:
  void ParseLine(absl::string_view line, RecordRef* record) const;
  void TakeJson(RecordRef* record);

  RecordParserOptions options_;
  std::vector<HeaderView> fixed_headers_;
  Record json_;
  std::vector<HeaderView> headers_;
};

}  // namespace leat
