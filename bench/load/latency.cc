#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/load/batch_source.h"
#include "bench/load/floors.h"
#include "bench/load/loads.h"
#include "bench/load/stopwatch.h"
#include "bench/load/undo.h"
#include "bench/load/workers.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

// When record `n` of a connection is due, in nanoseconds since the start.
int64_t DueNanos(uint64_t n, double rate) {
  return static_cast<int64_t>(static_cast<double>(n) * 1e9 / rate);
}

class LatencyLoop {
 public:
  LatencyLoop(const LoadOptions& options, uint32_t index, const Stopwatch& watch)
      : options_(options),
        watch_(watch),
        index_(index),
        rate_(options.rate / options.connections),
        records_(static_cast<uint64_t>(rate_ * absl::ToDoubleSeconds(options.warm_up + options.duration))) {}

  absl::Status Run(const std::string& address, LatencyHistogram* latency, LatencyHistogram* delay) {
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Connect(address);
    if (!connection.ok()) return connection.status();
    const UndoGuard stop([&connection] { (*connection)->FinishSending(); });
    absl::Status sent;
    absl::StatusOr<std::thread> sender = StartThread([&] { sent = SendAll(**connection, delay); });
    if (!sender.ok()) return sender.status();
    absl::Status received;
    for (uint64_t n = 0; n < records_ && received.ok(); ++n) received = ReceiveOne(**connection, latency);
    sender->join();
    return received.ok() ? sent : received;
  }

  uint64_t records() const { return records_; }

 private:
  absl::Status SendAll(Connection& connection, LatencyHistogram* delay) {
    BatchSource source(index_ + 200, options_.record_bytes, 1);
    wire::RequestHeader request;
    wire::ProducePartition& entry = *request.mutable_produce()->add_partitions();
    entry.set_topic(options_.topic);
    request.mutable_produce()->set_ack(options_.ack);
    for (uint64_t n = 0; n < records_; ++n) {
      const absl::StatusOr<std::string> batch = source.Next(1'700'000'000'000);
      if (!batch.ok()) return batch.status();
      request.set_correlation_id(n);
      entry.set_partition(static_cast<uint32_t>((index_ + n * options_.connections) % options_.partitions));
      entry.set_batch_bytes(static_cast<uint32_t>(batch->size()));
      const int64_t wait = DueNanos(n, rate_) - watch_.Nanos();
      if (wait > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(wait));
      delay->Record(watch_.Nanos() - DueNanos(n, rate_));
      const absl::Status sent = connection.Send(request, {*batch});
      if (!sent.ok()) return sent;
    }
    return absl::OkStatus();
  }

  absl::Status ReceiveOne(Connection& connection, LatencyHistogram* latency) {
    const absl::StatusOr<Connection::Reply> reply = connection.Receive();
    if (!reply.ok()) return reply.status();
    const wire::Error& error = reply->header.produce().results(0).error();
    if (error.code() != 0) return FromWire(error);
    const int64_t due = DueNanos(reply->header.correlation_id(), rate_);
    if (absl::Nanoseconds(due) >= options_.warm_up) latency->Record(watch_.Nanos() - due);
    return absl::OkStatus();
  }

  const LoadOptions& options_;
  const Stopwatch& watch_;
  uint32_t index_;
  double rate_;
  uint64_t records_;
};

// One request at a time, each sent when the one before was answered: service time without any queue.
absl::StatusOr<LatencyHistogram> OneAtATime(const LoadOptions& options, const std::string& address) {
  absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Connect(address);
  if (!connection.ok()) return connection.status();
  const UndoGuard stop([&connection] { (*connection)->FinishSending(); });
  BatchSource source(9, options.record_bytes, 1);
  wire::RequestHeader request;
  wire::ProducePartition& entry = *request.mutable_produce()->add_partitions();
  entry.set_topic(options.topic);
  request.mutable_produce()->set_ack(options.ack);
  LatencyHistogram histogram;
  const Stopwatch watch;
  while (watch.Elapsed() < options.duration) {
    const absl::StatusOr<std::string> batch = source.Next(1'700'000'000'000);
    if (!batch.ok()) return batch.status();
    entry.set_batch_bytes(static_cast<uint32_t>(batch->size()));
    const Stopwatch one;
    const absl::Status sent = (*connection)->Send(request, {*batch});
    if (!sent.ok()) return sent;
    const absl::StatusOr<Connection::Reply> reply = (*connection)->Receive();
    if (!reply.ok()) return reply.status();
    if (reply->header.produce().results(0).error().code() != 0) {
      return FromWire(reply->header.produce().results(0).error());
    }
    histogram.Record(one.Nanos());
  }
  return histogram;
}

absl::Status AddFloor(Report& report, const LoadOptions& options) {
  if (options.floor_directory.empty()) return absl::OkStatus();
  const absl::StatusOr<LatencyHistogram> sync =
      SyncLatency(options.duration, options.floor_directory, options.record_bytes);
  if (!sync.ok()) return sync.status();
  const absl::StatusOr<LatencyHistogram> trip = RoundTripLatency(options.duration);
  if (!trip.ok()) return trip.status();
  const double sync_us = static_cast<double>(sync->Percentile(50)) / 1e3;
  const double trip_us = static_cast<double>(trip->Percentile(50)) / 1e3;
  const double floor = trip_us + (options.ack == wire::ACK_DURABLE ? sync_us : 0);
  report.Add("sync_p50_us", "floor: append + fdatasync, p50", sync_us, "us");
  report.Add("round_trip_p50_us", "floor: round trip, p50", trip_us, "us");
  report.Add("ratio_to_floor", "one at a time, p50 / floor", report.Value("single_p50_us") / floor, "");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> RunLatency(const LoadOptions& options, const Target& target) {
  absl::StatusOr<std::unique_ptr<Connection>> control = Connection::Connect(target.address());
  if (!control.ok()) return control.status();
  const absl::StatusOr<std::unique_ptr<ScratchTopic>> topic = ScratchTopic::Create(target, SpecOf(options));
  if (!topic.ok()) return topic.status();
  const absl::StatusOr<LatencyHistogram> single = OneAtATime(options, target.address());
  if (!single.ok()) return single.status();
  std::vector<LatencyHistogram> latencies(options.connections);
  std::vector<LatencyHistogram> delays(options.connections);
  std::vector<uint64_t> counts(options.connections);
  const Stopwatch watch;
  const absl::Status run = RunWorkers(options.connections, [&](uint32_t index) {
    LatencyLoop loop(options, index, watch);
    counts[index] = loop.records();
    return loop.Run(target.address(), &latencies[index], &delays[index]);
  });
  const double seconds = watch.Seconds();
  if (!run.ok()) return run;

  LatencyHistogram latency;
  LatencyHistogram delay;
  uint64_t sent = 0;
  for (uint32_t i = 0; i < options.connections; ++i) {
    latency.Merge(latencies[i]);
    delay.Merge(delays[i]);
    sent += counts[i];
  }
  if (latency.count() == 0 || single->count() == 0) {
    return MakeError(ErrorCode::kTimedOut,
                     absl::StrCat("the run has no result: no record was due and answered in the ",
                                  absl::FormatDuration(options.duration),
                                  " counted; take a longer --duration or a higher --rate"));
  }
  Report report("latency");
  report.AddText("ack", "acknowledgement", AckName(options.ack));
  report.Add("record_bytes", "record", static_cast<double>(options.record_bytes), "bytes");
  report.Add("connections", "connections", options.connections, "");
  report.Add("partitions", "partitions", options.partitions, "");
  report.Add("offered_per_s", "offered", options.rate, "/s");
  report.Add("achieved_per_s", "achieved", static_cast<double>(sent) / seconds, "/s");
  report.AddLatency("latency", "since the time due,", latency);
  report.AddLatency("send_delay", "sent late by,", delay);
  report.AddLatency("single", "one at a time,", *single);
  const absl::Status floor = AddFloor(report, options);
  if (!floor.ok()) return floor;
  return report;
}

}  // namespace leat
