#include "tools/cli/produce_options.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/quantity.h"
#include "tools/cli/record_format.h"

namespace leat {

void AddProduceOptions(CLI::App* command, ProduceOptions* options) {
  command
      ->add_option("TOPIC", options->topic,
                   "where the records go; created when missing, where the daemon allows it")
      ->required();
  command->add_option("FILE", options->files, "files to read; - or none: standard input");
  options->key_option =
      command->add_option("-k,--key", options->key, "key of every record that has none of its own");
  command->add_option("--key-delimiter", options->key_delimiter,
                      "a line is KEY, this text, VALUE (\\t and the like allowed)");
  command->add_option("-H,--header", options->headers, "NAME=VALUE, added to every record; may be repeated")
      ->allow_extra_args(false);
  command->add_option("-p,--partition", options->partition, "partition of every record that names none")
      ->check(CLI::Range(int32_t{0}, std::numeric_limits<int32_t>::max()));
  options->null_option = command->add_flag("--null{}", options->null_text,
                                           "an empty key or value is null; --null=TEXT: TEXT means null");
  AddSendOptions(command, &options->compression, &options->acks);
  command
      ->add_option(
          "--input-format", options->input_format,
          "lines, or json: one object a line with key, value, headers, timestamp, partition; bytes as "
          "key_base64, value_base64")
      ->check(CLI::IsMember({"lines", "json"}))
      ->capture_default_str();
  command
      ->add_option("--report", options->report,
                   "json: a line on standard output for each acknowledged record")
      ->check(CLI::IsMember({"json"}));
  command->add_option("--batch-bytes", options->batch_bytes, "records gathered into one batch")
      ->capture_default_str();
  command->add_option("--linger", options->linger, "how long a batch waits for more records")
      ->capture_default_str();
  AddOutputOption(command, &options->output, {"table", "json"});
  command->get_option("--output")
      ->description("the summary: for people on standard error, or json on standard output");
  command->add_flag("-q,--quiet", options->quiet, "no progress and summary on standard error");
}

void AddSendOptions(CLI::App* command, std::string* compression, std::string* acks) {
  command->add_option("-z,--compression", *compression, "codec of the batches")
      ->check(CLI::IsMember({"none", "gzip", "snappy", "lz4", "zstd"}))
      ->capture_default_str();
  command
      ->add_option(
          "--acks", *acks,
          "acknowledged when on disk (durable), when in the daemon's page cache (written), or never (none)")
      ->check(CLI::IsMember({"durable", "written", "none"}))
      ->capture_default_str();
}

absl::Status FitBatchesToTopic(const Admin& admin, const std::string& topic, ProducerOptions* options) {
  const absl::StatusOr<TopicDescription> description = admin.DescribeTopic(topic).Get();
  if (!description.ok()) return description.status();
  for (const SettingDescription& setting : description->settings) {
    if (setting.name != "batch_bytes_max") continue;
    const absl::StatusOr<uint64_t> limit = ParseByteSize(setting.value);
    if (limit.ok() && *limit > 0) options->batch_bytes = std::min<size_t>(options->batch_bytes, *limit);
  }
  return absl::OkStatus();
}

absl::StatusOr<RecordHeader> ParseHeader(absl::string_view text) {
  const size_t equals = text.find('=');
  if (equals == absl::string_view::npos || equals == 0) {
    return UsageError(absl::StrCat("'", text, "' is not a header; write NAME=VALUE"));
  }
  return RecordHeader{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

absl::StatusOr<RecordParserOptions> ParserOptionsOf(const ProduceOptions& options) {
  RecordParserOptions parser;
  parser.topic = options.topic;
  parser.format = options.input_format == "json" ? InputFormat::kJson : InputFormat::kLines;
  const bool has_null = options.null_option->count() > 0;
  if (parser.format == InputFormat::kJson && (has_null || !options.key_delimiter.empty())) {
    return UsageError("--key-delimiter and --null are for --input-format lines; JSON has null and \"key\"");
  }
  if (options.key_option->count() > 0) parser.key = options.key;
  if (options.partition >= 0) parser.partition = options.partition;
  if (has_null) parser.null_text = options.null_text;
  absl::StatusOr<std::string> delimiter = Unescape(options.key_delimiter);
  if (!delimiter.ok()) return delimiter.status();
  parser.key_delimiter = *std::move(delimiter);
  for (const std::string& text : options.headers) {
    absl::StatusOr<RecordHeader> header = ParseHeader(text);
    if (!header.ok()) return header.status();
    parser.headers.push_back(*std::move(header));
  }
  return parser;
}

absl::StatusOr<ProducerOptions> ProducerOptionsOf(const ProduceOptions& options, const CommandLine& line) {
  ProducerOptions producer;
  producer.acks = *ParseAcks(options.acks);
  producer.codec = *ParseCodec(options.compression);
  const absl::StatusOr<uint64_t> batch_bytes = ParseByteSize(options.batch_bytes);
  if (!batch_bytes.ok()) return batch_bytes.status();
  if (*batch_bytes == 0) return UsageError("--batch-bytes has to be above 0");
  producer.batch_bytes = *batch_bytes;
  const absl::StatusOr<absl::Duration> linger = ParseSpan(options.linger);
  if (!linger.ok()) return linger.status();
  producer.linger = *linger;
  const absl::StatusOr<absl::Duration> timeout = TimeoutOf(line);
  if (!timeout.ok()) return timeout.status();
  // A restart of the daemon takes its time: without a word from the user the library's patience holds.
  if (line.timeout_option->count() > 0) producer.delivery_timeout = *timeout;
  producer.max_block = producer.delivery_timeout;
  return producer;
}

}  // namespace leat
