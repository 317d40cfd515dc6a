#include <poll.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/env/clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/delivery_queue.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/explain.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/json.h"
#include "tools/cli/merged_reader.h"
#include "tools/cli/pacer.h"
#include "tools/cli/produce_options.h"
#include "tools/cli/quantity.h"
#include "tools/cli/range_options.h"
#include "tools/cli/record_sink.h"
#include "tools/cli/terminal.h"

namespace leat {
namespace {

constexpr size_t kBatchBytes = 1024 * 1024;
constexpr absl::Duration kWaitStep = absl::Milliseconds(200);

struct ReplayOptions {
  std::string topic;
  RangeOptions range;
  RecordSinkOptions sink;
  std::string into;
  std::string rate;
  std::string speed;
  std::string compression = "none";
  std::string acks = "durable";
  bool quiet = false;
};

class ReplayJob {
 public:
  ReplayJob(CommandLine* line, const ReplayOptions& options)
      : line_(line), options_(options), progress_(!options.quiet) {}
  absl::Status Run();

 private:
  bool copying() const { return !options_.into.empty(); }
  absl::Status ReadOptions();
  absl::Status PrepareCopy(Client& client, const Admin& admin, const TopicSpan& span);
  absl::Status Replay(MergedReader* reader, int64_t expected);
  bool WaitUntil(absl::Duration due);
  void Send(const ConsumedRecord& record);
  absl::Status Conclude(const Admin& admin, const std::vector<GoneRange>& gone);
  void Summarize(absl::Duration took, const SpanReader& reader);
  bool Stopped() {
    return Interrupted() || line_->out.failed() || (deliveries_ != nullptr && deliveries_->failed());
  }

  CommandLine* line_;
  const ReplayOptions& options_;
  ProgressLine progress_;
  RangeRequest request_;
  Pacer pacer_;
  ProducerOptions producing_;
  absl::Duration request_timeout_;
  std::unique_ptr<RecordSink> sink_;
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<DeliveryQueue> deliveries_;
  bool keep_partition_ = false;
  std::vector<HeaderView> headers_;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;
  DeliveryQueue::Totals totals_;
};

absl::Status ReplayJob::ReadOptions() {
  absl::StatusOr<RangeRequest> request = ParseRangeOptions(options_.range, SystemClock().WallMs());
  if (!request.ok()) return request.status();
  request_ = *std::move(request);
  request_.stop_at_end = true;
  if (!options_.rate.empty()) {
    const absl::StatusOr<double> rate = ParseRate(options_.rate);
    if (!rate.ok()) return rate.status();
    pacer_ = Pacer::Rate(*rate);
  }
  if (!options_.speed.empty()) {
    const absl::StatusOr<double> speed = ParseSpeed(options_.speed);
    if (!speed.ok()) return speed.status();
    pacer_ = Pacer::Speed(*speed);
  }
  if (!copying()) {
    absl::StatusOr<std::unique_ptr<RecordSink>> sink = RecordSink::Create(options_.sink, &line_->out);
    if (!sink.ok()) return sink.status();
    sink_ = *std::move(sink);
  } else if (options_.sink.format_option->count() > 0 || !options_.sink.key_delimiter.empty()) {
    return UsageError("--into copies records and prints none: leave out --format and --key-delimiter");
  }
  producing_.acks = *ParseAcks(options_.acks);
  producing_.codec = *ParseCodec(options_.compression);
  producing_.batch_bytes = kBatchBytes;
  const absl::StatusOr<absl::Duration> timeout = TimeoutOf(*line_);
  if (!timeout.ok()) return timeout.status();
  request_timeout_ = *timeout;
  if (line_->timeout_option->count() > 0) producing_.delivery_timeout = *timeout;
  producing_.max_block = producing_.delivery_timeout;
  return absl::OkStatus();
}

absl::Status ReplayJob::Run() {
  absl::Status status = ReadOptions();
  if (!status.ok()) return status;
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line_);
  if (!client.ok()) return client.status();
  const Admin admin(**client);
  const absl::StatusOr<TopicSpan> span = LookUpSpan(admin, options_.topic, request_);
  if (!span.ok()) return ExplainTopicError(admin, options_.topic, span.status());
  if (copying()) {
    status = PrepareCopy(**client, admin, *span);
    if (!status.ok()) return status;
  }
  absl::StatusOr<std::unique_ptr<SpanReader>> reader =
      SpanReader::Create(**client, options_.topic, *span, ConnectionWatch(**client, request_timeout_, false));
  if (!reader.ok()) return ExplainTopicError(admin, options_.topic, reader.status());
  MergedReader merged(reader->get(), *span);

  InstallSignalHandlers();
  const absl::Duration begin = SystemClock().Monotonic();
  status = Replay(&merged, span->expected_records());
  if (copying()) {
    const Future<absl::Status> flushed = producer_->FlushAsync();  // the deliveries tell when it is done
    totals_ = deliveries_->Finish();
  }
  line_->out.Flush();
  progress_.Clear();
  Summarize(SystemClock().Monotonic() - begin, **reader);
  if (status.ok()) status = ReportFailures((*reader)->failures());
  return status.ok() ? Conclude(admin, (*reader)->gone()) : ExplainTopicError(admin, options_.topic, status);
}

absl::Status ReplayJob::PrepareCopy(Client& client, const Admin& admin, const TopicSpan& span) {
  NewTopic target;
  target.name = options_.into;
  target.partitions = span.topic_partitions;
  target.if_not_exists = true;
  const absl::StatusOr<CreatedTopic> created = admin.CreateTopic(target).Get();
  if (!created.ok()) return created.status();
  if (created->created && !options_.quiet) {
    PrintNote(
        absl::StrCat("created topic '", options_.into, "' with ", Count(created->partitions, "partition")));
  }
  (void)FitBatchesToTopic(admin, options_.into, &producing_);  // the producer knows the defaults
  keep_partition_ = created->partitions == span.topic_partitions;
  absl::StatusOr<std::unique_ptr<Producer>> producer = Producer::Create(client, producing_);
  if (!producer.ok()) return producer.status();
  producer_ = *std::move(producer);
  deliveries_ = std::make_unique<DeliveryQueue>(nullptr);
  deliveries_->SetSource("record");
  return absl::OkStatus();
}

absl::Status ReplayJob::Replay(MergedReader* reader, int64_t expected) {
  const auto stop = [this] {
    line_->out.Flush();
    return Stopped();
  };
  const absl::Duration begin = SystemClock().Monotonic();
  while (!Stopped()) {
    absl::StatusOr<std::optional<ConsumedRecord>> record = reader->Next(stop);
    if (!record.ok()) return record.status();
    if (!record->has_value()) break;
    if (!WaitUntil(begin + pacer_.Due((*record)->timestamp_ms()))) break;
    ++records_;
    bytes_ += (*record)->key().value_or("").size() + (*record)->value().value_or("").size();
    if (copying()) {
      Send(**record);
    } else {
      sink_->Write(**record);
    }
    if (progress_.Due()) progress_.Show(absl::StrCat(records_, " of ", expected, " records"));
  }
  return absl::OkStatus();
}

// False when the wait was cut short.
bool ReplayJob::WaitUntil(absl::Duration due) {
  absl::Duration left = due - SystemClock().Monotonic();
  if (left <= absl::Milliseconds(1)) return true;
  line_->out.Flush();
  if (deliveries_ != nullptr) deliveries_->Dispatch();
  while (left > absl::ZeroDuration()) {
    if (Stopped() || (!copying() && line_->out.ReaderGone())) return false;
    pollfd interrupt = {InterruptFd(), POLLIN, 0};
    const absl::Duration step = std::min(left, kWaitStep);
    poll(&interrupt, 1, static_cast<int>(absl::ToInt64Milliseconds(step + absl::Microseconds(999))));
    left = due - SystemClock().Monotonic();
  }
  return true;
}

void ReplayJob::Send(const ConsumedRecord& record) {
  CollectHeaders(record.headers(), &headers_);
  RecordRef copy;
  copy.topic = options_.into;
  if (keep_partition_) copy.partition = record.partition();
  copy.key = record.key();
  copy.value = record.value();
  copy.headers = headers_;
  copy.timestamp_ms = record.timestamp_ms();
  deliveries_->Add(producer_->Send(copy), records_,
                   record.key().value_or("").size() + record.value().value_or("").size());
}

Json GoneToJson(const std::vector<GoneRange>& gone) {
  Json ranges = Json::array();
  for (const GoneRange& range : gone) {
    ranges.push_back({{"partition", range.partition},
                      {"from", range.from},
                      {"to", range.to},
                      {"cause", range.damaged ? "damaged" : "deleted"}});
  }
  return ranges;
}

void ReplayJob::Summarize(absl::Duration took, const SpanReader& reader) {
  const int64_t gone = CountGone(reader.gone());
  const uint64_t bytes = copying() ? totals_.bytes : bytes_;
  const uint64_t done = copying() ? totals_.acknowledged : records_;
  if (copying() && options_.sink.output == "json") {
    line_->out.Write(Dump({{"topic", options_.topic},
                           {"into", options_.into},
                           {"records", done},
                           {"bytes", bytes},
                           {"failed", totals_.failed},
                           {"gone", gone},
                           {"gone_ranges", GoneToJson(reader.gone())},
                           {"seconds", absl::ToDoubleSeconds(took)}}));
    line_->out.Write("\n");
  }
  if (options_.quiet || line_->out.failed()) return;
  PrintNote(absl::StrCat(Count(done, "record"), " of '", options_.topic, "' replayed",
                         copying() ? absl::StrCat(" into '", options_.into, "'") : std::string(), " in ",
                         FormatSpan(took), " (", FormatBytes(bytes), ")",
                         gone > 0 ? absl::StrCat("; gone from the range: ", Count(gone, "offset")) : ""));
}

absl::Status ReplayJob::Conclude(const Admin& admin, const std::vector<GoneRange>& gone) {
  if (totals_.failed > 0) {
    const absl::Status cause = ExplainTopicError(admin, options_.into, totals_.first_error);
    return WithMessage(cause, absl::StrCat(cause.message(), "; ", DescribeTotals(totals_)));
  }
  if (line_->out.failed()) return absl::OkStatus();  // the caller looks at it
  if (Interrupted())
    return absl::CancelledError(absl::StrCat("interrupted after ", Count(records_, "record")));
  return RangeNotWhole(gone);
}

}  // namespace

void AddReplayCommand(CommandLine* line) {
  CLI::App* const command = line->app.add_subcommand(
      "replay", "Prints or copies records again, in the order of their timestamps, up to the present end.");
  auto options = std::make_shared<ReplayOptions>();
  command->add_option("TOPIC", options->topic, "the topic to replay")->required();
  AddRangeOptions(command, &options->range, "The present end at the latest");
  CLI::Option* const into = command->add_option(
      "--into", options->into,
      "copy into this topic with key, value, headers and timestamp (and partition, where it has as "
      "many); created when missing");
  into->check(NotEmpty());
  CLI::Option* const rate = command->add_option("--rate", options->rate, "so many records: 100/s, 60/m");
  command->add_option("--speed", options->speed, "at the original pace times this: 1x, 2x, 0.5x")
      ->check(NotEmpty())
      ->excludes(rate);
  rate->check(NotEmpty());
  AddSendOptions(command, &options->compression, &options->acks);
  for (const char* name : {"--compression", "--acks"}) command->get_option(name)->needs(into);
  AddRecordSinkOptions(command, &options->sink);
  command->add_flag("-q,--quiet", options->quiet, "no progress and summary on standard error");
  command->callback(
      [line, options] { line->run = [line, options] { return ReplayJob(line, *options).Run(); }; });
}

}  // namespace leat
