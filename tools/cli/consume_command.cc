#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/env/clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/explain.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/quantity.h"
#include "tools/cli/range_options.h"
#include "tools/cli/record_sink.h"
#include "tools/cli/span_reader.h"
#include "tools/cli/terminal.h"

namespace leat {
namespace {

// How often a waiting command looks for Ctrl-C and for a reader that went away.
constexpr absl::Duration kPollTimeout = absl::Milliseconds(100);

struct ConsumeOptions {
  std::string topic;
  RangeOptions range;
  RecordSinkOptions sink;
  int64_t count = -1;
  bool exit_at_end = false;
  bool quiet = false;
};

class ConsumeJob {
 public:
  ConsumeJob(CommandLine* line, const ConsumeOptions& options) : line_(line), options_(options) {}
  absl::Status Run();

 private:
  absl::Status Read(SpanReader* reader);
  absl::Status Conclude(const Admin& admin, const SpanReader& reader, const absl::Status& read);
  // Whether the command ends by itself.
  bool Bounded(const TopicSpan& span) const;
  void Print(const ConsumedRecords& records);
  bool enough() const { return options_.count >= 0 && printed_ >= options_.count; }
  void Announce(const TopicSpan& span) const;

  CommandLine* line_;
  const ConsumeOptions& options_;
  std::unique_ptr<RecordSink> sink_;
  int64_t printed_ = 0;
  bool bounded_ = false;
};

absl::Status ConsumeJob::Run() {
  absl::StatusOr<RangeRequest> request = ParseRangeOptions(options_.range, SystemClock().WallMs());
  if (!request.ok()) return request.status();
  request->stop_at_end = options_.exit_at_end;
  absl::StatusOr<std::unique_ptr<RecordSink>> sink = RecordSink::Create(options_.sink, &line_->out);
  if (!sink.ok()) return sink.status();
  sink_ = *std::move(sink);

  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line_);
  if (!client.ok()) return client.status();
  const Admin admin(**client);
  const absl::StatusOr<TopicSpan> span = LookUpSpan(admin, options_.topic, *request);
  if (!span.ok()) return ExplainTopicError(admin, options_.topic, span.status());
  const absl::StatusOr<absl::Duration> timeout = TimeoutOf(*line_);
  if (!timeout.ok()) return timeout.status();
  bounded_ = Bounded(*span);
  ConnectionWatch watch(**client, bounded_ ? *timeout : absl::InfiniteDuration(), !options_.quiet);
  absl::StatusOr<std::unique_ptr<SpanReader>> reader =
      SpanReader::Create(**client, options_.topic, *span, std::move(watch));
  if (!reader.ok()) return ExplainTopicError(admin, options_.topic, reader.status());

  InstallSignalHandlers();
  Announce(*span);
  const absl::Status read = Read(reader->get());
  line_->out.Flush();
  return Conclude(admin, **reader, read);
}

absl::Status ConsumeJob::Conclude(const Admin& admin, const SpanReader& reader, const absl::Status& read) {
  absl::Status status =
      read.ok() ? ReportFailures(reader.failures())
                : WithMessage(
                      read, absl::StrCat(read.message(), "; read before that: ", Count(printed_, "record")));
  if (!status.ok()) return ExplainTopicError(admin, options_.topic, status);
  if (Interrupted() && bounded_ && !reader.done() && !enough()) {
    return absl::CancelledError(
        absl::StrCat("interrupted after ", Count(printed_, "record"), ", before the end of the range"));
  }
  if (!options_.quiet && Interrupted()) {
    PrintNote(absl::StrCat(IsTerminal(STDERR_FILENO) ? "\n" : "", Count(printed_, "record"), " of '",
                           options_.topic, "'"));
  }
  return RangeNotWhole(reader.gone());
}

bool ConsumeJob::Bounded(const TopicSpan& span) const {
  return options_.count >= 0 ||
         std::all_of(span.partitions.begin(), span.partitions.end(), [](const PartitionSpan& part) {
           return part.to.has_value() || part.to_time_ms.has_value();
         });
}

absl::Status ConsumeJob::Read(SpanReader* reader) {
  while (!reader->done() && !enough() && !Interrupted()) {
    absl::StatusOr<ConsumedRecords> records = reader->Poll(kPollTimeout);
    if (!records.ok()) return records.status();
    Print(*records);
    line_->out.Flush();
    if (line_->out.failed() || (records->empty() && line_->out.ReaderGone())) break;
  }
  return absl::OkStatus();
}

void ConsumeJob::Print(const ConsumedRecords& records) {
  for (const ConsumedRecord& record : records) {
    if (enough() || line_->out.failed()) return;
    sink_->Write(record);
    ++printed_;
  }
}

// A person who waits for records wants to know whether there are any.
void ConsumeJob::Announce(const TopicSpan& span) const {
  if (options_.quiet || options_.exit_at_end || options_.count >= 0 || !IsTerminal(STDERR_FILENO)) return;
  PrintNote(absl::StrCat("'", options_.topic, "': ", Count(span.expected_records(), "record"), " in ",
                         Count(span.partitions.size(), "partition"), ", then what comes; Ctrl-C ends"));
}

}  // namespace

void AddConsumeCommand(CommandLine* line) {
  CLI::App* const command = line->app.add_subcommand("consume", "Prints records of a topic, old ones first.");
  auto options = std::make_shared<ConsumeOptions>();
  command->add_option("TOPIC", options->topic, "the topic to read")->required();
  AddRangeOptions(command, &options->range, "Only a time in the future is waited for");
  command->add_option("-n,--count", options->count, "stop after so many records")
      ->check(CLI::Range(int64_t{0}, std::numeric_limits<int64_t>::max()));
  command->add_flag("-e,--exit-at-end", options->exit_at_end, "stop at the last record there is now");
  AddRecordSinkOptions(command, &options->sink);
  command->add_flag("-q,--quiet", options->quiet, "no remarks on standard error");
  command->callback(
      [line, options] { line->run = [line, options] { return ConsumeJob(line, *options).Run(); }; });
}

}  // namespace leat
