#include "tools/cli/record_sink.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tools/cli/command_line.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/record_json.h"

namespace leat {

void AddRecordSinkOptions(CLI::App* command, RecordSinkOptions* options) {
  AddOutputOption(command, &options->output, {"text", "json"});
  options->format_option =
      command->add_option("-f,--format", options->format,
                          absl::StrCat("how a record looks: ", std::string(RecordFormat::Help()),
                                       ". Without it: the value and a new line"));
  command->add_option("--key-delimiter", options->key_delimiter,
                      "print the key and this text before the value");
  command->add_option("--null", options->null_text, "what a null key or value shows as (default: nothing)");
}

absl::StatusOr<std::unique_ptr<RecordSink>> RecordSink::Create(const RecordSinkOptions& options,
                                                               Output* out) {
  const bool has_format = options.format_option->count() > 0;
  if (options.output == "json") {
    if (has_format || !options.key_delimiter.empty() || !options.null_text.empty()) {
      return UsageError("-o json has a form of its own: leave out --format, --key-delimiter and --null");
    }
    return std::unique_ptr<RecordSink>(new RecordSink(std::nullopt, out));
  }
  if (has_format && !options.key_delimiter.empty()) {
    return UsageError("use either --format or --key-delimiter");
  }
  std::string text = has_format ? options.format : "%v\\n";
  if (!options.key_delimiter.empty()) {
    text = absl::StrCat("%k", absl::StrReplaceAll(options.key_delimiter, {{"%", "%%"}}), "%v\\n");
  }
  absl::StatusOr<RecordFormat> format = RecordFormat::Parse(text, options.null_text);
  if (!format.ok()) return format.status();
  return std::unique_ptr<RecordSink>(new RecordSink(*std::move(format), out));
}

void RecordSink::Write(const ConsumedRecord& record) {
  CollectHeaders(record.headers(), &headers_);
  ShownRecord shown;
  shown.topic = record.topic();
  shown.partition = record.partition();
  shown.offset = record.offset();
  shown.timestamp_ms = record.timestamp_ms();
  shown.key = record.key();
  shown.value = record.value();
  shown.headers = headers_;
  if (format_.has_value()) {
    format_->Append(shown, out_->buffer());
  } else {
    AppendRecordJson(shown, out_->buffer());
  }
  out_->MayFlush();
}

void CollectHeaders(HeaderIterator from, std::vector<HeaderView>* headers) {
  headers->clear();
  HeaderView header;
  while (from.Next(&header)) headers->push_back(header);
}

}  // namespace leat
