#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/statusor.h"
#include "client/admin.h"
#include "client/producer.h"
#include "tools/cli/command_line.h"
#include "tools/cli/record_parser.h"

namespace leat {

// The options of `leat produce` as given.
struct ProduceOptions {
  std::string topic;
  std::vector<std::string> files;
  std::string key;
  CLI::Option* key_option = nullptr;
  std::string key_delimiter;
  std::vector<std::string> headers;
  int32_t partition = -1;
  std::string null_text;
  CLI::Option* null_option = nullptr;
  std::string compression = "none";
  std::string acks = "durable";
  std::string input_format = "lines";
  std::string report;
  std::string output;
  std::string batch_bytes = "1MiB";
  std::string linger = "0";
  bool quiet = false;
};

void AddProduceOptions(CLI::App* command, ProduceOptions* options);

// How records travel, shared with replay.
void AddSendOptions(CLI::App* command, std::string* compression, std::string* acks);

// Usage errors for what makes no sense.
absl::StatusOr<RecordParserOptions> ParserOptionsOf(const ProduceOptions& options);
absl::StatusOr<ProducerOptions> ProducerOptionsOf(const ProduceOptions& options, const CommandLine& line);

// Keeps batches below what the topic allows, where that is less. A topic that does not exist yet will have
// the daemon's defaults, which the producer knows; the status tells that.
absl::Status FitBatchesToTopic(const Admin& admin, const std::string& topic, ProducerOptions* options);

// "name=value" with a name. The value may be empty or hold '='.
absl::StatusOr<RecordHeader> ParseHeader(absl::string_view text);

}  // namespace leat
