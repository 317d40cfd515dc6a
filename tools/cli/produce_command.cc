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
#include "tools/cli/line_reader.h"
#include "tools/cli/produce_options.h"
#include "tools/cli/quantity.h"
#include "tools/cli/terminal.h"

namespace leat {
namespace {

// JSON needs up to six bytes for one, so this admits every record that a broker takes by default.
constexpr size_t kLineBytesMax = 32 * 1024 * 1024;

class ProduceJob {
 public:
  ProduceJob(CommandLine* line, const ProduceOptions& options)
      : line_(line), options_(options), progress_(!options.quiet && options.report.empty()) {}
  absl::Status Run();

 private:
  absl::Status SendAll();
  absl::Status SendFile(const std::string& path);
  absl::Status SendLines(int fd, const std::string& name);
  void ShowProgress();
  absl::Status Conclude(const Admin& admin, const absl::Status& input);
  void Summarize(absl::Duration took) const;

  CommandLine* line_;
  const ProduceOptions& options_;
  ProgressLine progress_;
  std::unique_ptr<RecordParser> parser_;
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<DeliveryQueue> deliveries_;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
  DeliveryQueue::Totals totals_;
};

absl::Status ProduceJob::Run() {
  absl::StatusOr<RecordParserOptions> parsing = ParserOptionsOf(options_);
  if (!parsing.ok()) return parsing.status();
  parser_ = std::make_unique<RecordParser>(*std::move(parsing));
  absl::StatusOr<ProducerOptions> producing = ProducerOptionsOf(options_, *line_);
  if (!producing.ok()) return producing.status();
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line_);
  if (!client.ok()) return client.status();
  FitBatchesToTopic(Admin(**client), options_.topic, &*producing);
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
  Summarize(SystemClock().Monotonic() - begin);
  return Conclude(Admin(**client), input);
}

absl::Status ProduceJob::SendAll() {
  if (options_.files.empty()) {
    if (!options_.quiet && IsTerminal(STDIN_FILENO)) PrintNote("One record a line; Ctrl-D ends.");
    return SendLines(STDIN_FILENO, "stdin");
  }
  for (const std::string& path : options_.files) {
    absl::Status status = path == "-" ? SendLines(STDIN_FILENO, "stdin") : SendFile(path);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ProduceJob::SendFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const std::string text = absl::StrCat("cannot open ", path, ": ", std::strerror(errno));
    return errno == ENOENT ? absl::NotFoundError(text) : absl::UnknownError(text);
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
  while (!deliveries_->failed() && !Interrupted()) {
    if (reader.WouldRead()) {
      deliveries_->Dispatch();
      ShowProgress();
    }
    absl::Status status = reader.Next(&text, &more);
    if (!status.ok() || !more) return status;
    status = parser_->Parse(text, &record);
    if (!status.ok()) {
      return WithMessage(status, absl::StrCat(name, ":", reader.lines(), ": ", status.message()));
    }
    deliveries_->Add(producer_->Send(record), reader.lines());
    ++records_;
    bytes_ += record.key.value_or("").size() + record.value.value_or("").size();
  }
  return absl::OkStatus();
}

void ProduceJob::ShowProgress() {
  if (!progress_.Due()) return;
  progress_.Show(absl::StrCat(records_, " records sent, ", deliveries_->acknowledged(), " acknowledged, ",
                              FormatBytes(bytes_)));
}

void ProduceJob::Summarize(absl::Duration took) const {
  if (options_.quiet) return;
  const double seconds = std::max(absl::ToDoubleSeconds(took), 1e-6);
  PrintNote(absl::StrFormat("%d records to '%s' in %s (%s, %.0f records/s), %s", totals_.acknowledged,
                            options_.topic, FormatSpan(took), FormatBytes(bytes_),
                            static_cast<double>(totals_.acknowledged) / seconds,
                            options_.acks == "none" ? "not acknowledged" : options_.acks));
}

absl::Status ProduceJob::Conclude(const Admin& admin, const absl::Status& input) {
  if (totals_.failed > 0) {
    const absl::Status cause = ExplainTopicError(admin, options_.topic, totals_.first_error);
    return WithMessage(
        cause,
        absl::StrCat(totals_.failed, totals_.failed == 1 ? " record was" : " records were",
                     " not acknowledged, the first from ", totals_.first_place, ": ", cause.message()));
  }
  if (!input.ok()) return input;
  if (Interrupted()) {
    return absl::CancelledError(
        absl::StrCat("interrupted; ", totals_.acknowledged, " records had been sent and are acknowledged"));
  }
  return absl::OkStatus();
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
