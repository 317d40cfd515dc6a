#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "protocol/record/error.h"
#include "storage/env/clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/delivery_queue.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/explain.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/json.h"
#include "tools/cli/line_reader.h"
#include "tools/cli/produce_options.h"
#include "tools/cli/quantity.h"
#include "tools/cli/terminal.h"

namespace leat {
namespace {

// JSON needs up to six bytes for one, so this admits every record that a broker takes by default.
constexpr size_t kLineBytesMax = 32 * 1024 * 1024;

absl::Status CannotOpen(const std::string& path) {
  const int error = errno;
  const std::string text = absl::StrCat("cannot open ", path, ": ", std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(text) : absl::UnknownError(text);
}

class ProduceJob {
 public:
  ProduceJob(CommandLine* line, const ProduceOptions& options)
      : line_(line), options_(options), progress_(!options.quiet && options.report.empty() && !Typed()) {}
  absl::Status Run();

 private:
  // Whether a person types the records: progress would be written among them.
  bool Typed() const { return options_.files.empty() && IsTerminal(STDIN_FILENO); }
  absl::Status SendAll();
  absl::Status SendFile(const std::string& path);
  absl::Status SendLines(int fd, const std::string& name);
  void Send(const RecordRef& record, uint64_t line);
  void ShowProgress();
  // Puts the first line that was not acknowledged into the totals; gives what went wrong.
  absl::Status Cause(const Admin& admin, const absl::Status& input);
  void Summarize(absl::Duration took);

  CommandLine* line_;
  const ProduceOptions& options_;
  ProgressLine progress_;
  std::unique_ptr<RecordParser> parser_;
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<DeliveryQueue> deliveries_;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
  bool topic_is_new_ = false;
  std::string stopped_at_;  // the first line that was not sent; empty when all were
  DeliveryQueue::Totals totals_;
};

absl::Status ProduceJob::Run() {
  absl::StatusOr<RecordParserOptions> parsing = ParserOptionsOf(options_);
  if (!parsing.ok()) return parsing.status();
  parser_ = std::make_unique<RecordParser>(*std::move(parsing));
  absl::StatusOr<ProducerOptions> producing = ProducerOptionsOf(options_, *line_);
  if (!producing.ok()) return producing.status();
  for (const std::string& path : options_.files) {
    if (path != "-" && access(path.c_str(), R_OK) != 0) return CannotOpen(path);
  }
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line_);
  if (!client.ok()) return client.status();
  const Admin admin(**client);
  topic_is_new_ = CodeOf(FitBatchesToTopic(admin, options_.topic, &*producing)) == ErrorCode::kUnknownTopic;
  absl::StatusOr<std::unique_ptr<Producer>> producer = Producer::Create(**client, *std::move(producing));
  if (!producer.ok()) return producer.status();
  producer_ = *std::move(producer);
  deliveries_ = std::make_unique<DeliveryQueue>(options_.report.empty() ? nullptr : &line_->out);

  InstallSignalHandlers();
  const absl::Duration begin = SystemClock().Monotonic();
  const absl::Status input = SendAll();
  if (Interrupted() && IsTerminal(STDERR_FILENO)) PrintNote("\nsending what was read; Ctrl-C again gives up");
  const Future<absl::Status> flushed = producer_->FlushAsync();  // the deliveries tell when it is done
  totals_ = deliveries_->Finish();
  progress_.Clear();
  const absl::Status cause = Cause(admin, input);
  Summarize(SystemClock().Monotonic() - begin);
  return cause.ok() ? cause
                    : WithMessage(cause, absl::StrCat(cause.message(), "; ", DescribeTotals(totals_)));
}

absl::Status ProduceJob::SendAll() {
  if (options_.files.empty()) {
    if (!options_.quiet && Typed()) PrintNote("One record a line; Ctrl-D ends.");
    return SendLines(STDIN_FILENO, "stdin");
  }
  for (const std::string& path : options_.files) {
    absl::Status status = path == "-" ? SendLines(STDIN_FILENO, "stdin") : SendFile(path);
    if (!status.ok() || !stopped_at_.empty()) return status;
  }
  return absl::OkStatus();
}

absl::Status ProduceJob::SendFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    stopped_at_ = absl::StrCat(path, ":1");
    return CannotOpen(path);
  }
  absl::Status status = SendLines(fd, path);
  close(fd);
  return status;
}

absl::Status ProduceJob::SendLines(int fd, const std::string& name) {
  LineReader reader(fd, name, kLineBytesMax, InterruptFd());
  deliveries_->SetSource(name);
  absl::string_view text;
  bool more = true;
  RecordRef record;
  const auto stop_at = [&](uint64_t line) { stopped_at_ = absl::StrCat(name, ":", line); };
  while (!deliveries_->failed() && !Interrupted()) {
    if (reader.WouldRead()) {
      deliveries_->Dispatch();
      ShowProgress();
    }
    absl::Status status = reader.Next(&text, &more);
    if (!status.ok()) stop_at(reader.lines() + 1);
    if (!status.ok()) return status;
    if (!more && !Interrupted()) return absl::OkStatus();
    if (!more) break;
    if (parser_->IsBlank(text)) continue;
    status = parser_->Parse(text, &record);
    if (!status.ok()) {
      stop_at(reader.lines());
      return WithMessage(status, absl::StrCat(stopped_at_, ": ", status.message()));
    }
    Send(record, reader.lines());
  }
  stop_at(reader.lines() + 1);
  return absl::OkStatus();
}

void ProduceJob::Send(const RecordRef& record, uint64_t line) {
  const size_t bytes = record.key.value_or("").size() + record.value.value_or("").size();
  deliveries_->Add(producer_->Send(record), line, bytes);
  ++records_;
  bytes_ += bytes;
}

void ProduceJob::ShowProgress() {
  if (!progress_.Due()) return;
  progress_.Show(absl::StrCat(records_, " records sent, ", deliveries_->acknowledged(), " acknowledged, ",
                              FormatBytes(bytes_)));
}

void ProduceJob::Summarize(absl::Duration took) {
  if (ParseOutputFormat(options_.output) == OutputFormat::kJson) {
    Json summary = {{"topic", options_.topic},
                    {"records", totals_.acknowledged},
                    {"bytes", totals_.bytes},
                    {"failed", totals_.failed},
                    {"first_not_acknowledged", nullptr},
                    {"seconds", absl::ToDoubleSeconds(took)}};
    if (!totals_.first_place.empty()) summary["first_not_acknowledged"] = totals_.first_place;
    line_->out.Write(Dump(summary) + "\n");
    return;
  }
  if (options_.quiet || (totals_.acknowledged == 0 && !totals_.first_place.empty())) return;
  const double seconds = std::max(absl::ToDoubleSeconds(took), 1e-6);
  PrintNote(absl::StrFormat("%s to %s'%s' in %s (%s, %.0f records/s), %s",
                            Count(totals_.acknowledged, "record"), topic_is_new_ ? "the new topic " : "",
                            options_.topic, FormatSpan(took), FormatBytes(totals_.bytes),
                            static_cast<double>(totals_.acknowledged) / seconds,
                            options_.acks == "none" ? "not acknowledged" : options_.acks));
}

absl::Status ProduceJob::Cause(const Admin& admin, const absl::Status& input) {
  if (totals_.failed > 0) {
    const absl::Status cause = ExplainTopicError(admin, options_.topic, totals_.first_error);
    return WithMessage(cause, absl::StrCat(totals_.first_place, ": ", cause.message(), "; ",
                                           Count(totals_.failed, "record"), " failed"));
  }
  totals_.first_place = stopped_at_;
  if (!input.ok()) return input;
  return stopped_at_.empty() ? absl::OkStatus() : absl::CancelledError("interrupted");
}

}  // namespace

void AddProduceCommand(CommandLine* line) {
  CLI::App* const command =
      line->app.add_subcommand("produce", "Sends lines of files, or of standard input, as records.");
  auto options = std::make_shared<ProduceOptions>();
  AddProduceOptions(command, options.get());
  command->callback(
      [line, options] { line->run = [line, options] { return ProduceJob(line, *options).Run(); }; });
}

}  // namespace leat
