#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "client/consumed_record.h"
#include "tools/cli/output.h"
#include "tools/cli/record_format.h"

namespace leat {

// The options by which consume and replay print records.
struct RecordSinkOptions {
  std::string output;  // "text" or "json"
  std::string format;
  CLI::Option* format_option = nullptr;
  std::string key_delimiter;
  std::string null_text;
};

void AddRecordSinkOptions(CLI::App* command, RecordSinkOptions* options);

// Prints records as the options say. One thread.
class RecordSink {
 public:
  // Usage errors: unknown escapes, options that contradict each other. `out` outlives the sink.
  static absl::StatusOr<std::unique_ptr<RecordSink>> Create(const RecordSinkOptions& options, Output* out);

  void Write(const ConsumedRecord& record);

 private:
  RecordSink(std::optional<RecordFormat> format, Output* out) : format_(std::move(format)), out_(out) {}

  std::optional<RecordFormat> format_;  // nothing: JSON
  Output* out_;
  std::vector<HeaderView> headers_;
};

// The headers of a record, into a list that is used again.
void CollectHeaders(HeaderIterator from, std::vector<HeaderView>* headers);

}  // namespace leat
