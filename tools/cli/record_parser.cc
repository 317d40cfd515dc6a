#include "tools/cli/record_parser.h"

#include <utility>

#include "tools/cli/record_json.h"

namespace leat {
namespace {

HeaderView ViewOf(const RecordHeader& header) {
  HeaderView view;
  view.key = header.key;
  if (header.value.has_value()) view.value = *header.value;
  return view;
}

std::optional<absl::string_view> ViewOf(const std::optional<std::string>& text) {
  if (!text.has_value()) return std::nullopt;
  return absl::string_view(*text);
}

}  // namespace

RecordParser::RecordParser(RecordParserOptions options) : options_(std::move(options)) {
  for (const RecordHeader& header : options_.headers) fixed_headers_.push_back(ViewOf(header));
}

bool RecordParser::IsBlank(absl::string_view line) const {
  return options_.format == InputFormat::kJson && line.find_first_not_of(" \t\r") == absl::string_view::npos;
}

absl::Status RecordParser::Parse(absl::string_view line, RecordRef* record) {
  *record = RecordRef();
  record->topic = options_.topic;
  record->partition = options_.partition;
  record->key = ViewOf(options_.key);
  if (options_.format == InputFormat::kLines) {
    ParseLine(line, record);
    return absl::OkStatus();
  }
  absl::Status status = ParseRecordJson(line, &json_);
  if (status.ok()) TakeJson(record);
  return status;
}

void RecordParser::ParseLine(absl::string_view line, RecordRef* record) const {
  const auto text_or_null = [this](absl::string_view text) -> std::optional<absl::string_view> {
    if (options_.null_text.has_value() && text == *options_.null_text) return std::nullopt;
    return text;
  };
  if (!options_.key_delimiter.empty()) {
    const size_t at = line.find(options_.key_delimiter);
    if (at != absl::string_view::npos) {
      record->key = text_or_null(line.substr(0, at));
      line.remove_prefix(at + options_.key_delimiter.size());
    }
  }
  record->value = text_or_null(line);
  record->headers = fixed_headers_;
}

void RecordParser::TakeJson(RecordRef* record) {
  if (json_.partition.has_value()) record->partition = json_.partition;
  if (json_.key.has_value()) record->key = ViewOf(json_.key);
  record->value = ViewOf(json_.value);
  record->timestamp_ms = json_.timestamp_ms;
  headers_.clear();
  for (const RecordHeader& header : json_.headers) headers_.push_back(ViewOf(header));
  headers_.insert(headers_.end(), fixed_headers_.begin(), fixed_headers_.end());
  record->headers = headers_;
}

}  // namespace leat
