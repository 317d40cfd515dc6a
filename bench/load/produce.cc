#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/load/batch_source.h"
#include "bench/load/floors.h"
#include "bench/load/loads.h"
#include "bench/load/process_usage.h"
#include "bench/load/stopwatch.h"
#include "bench/load/undo.h"
#include "bench/load/workers.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

struct Tally {
  uint64_t acknowledged = 0;  // records, warm-up included
  uint64_t counted = 0;       // records acknowledged in the counted time
  LatencyHistogram reply_time;
};

constexpr int64_t kTimestampMs = 1'700'000'000'000;

// One connection's closed loop.
class ProduceLoop {
 public:
  ProduceLoop(const LoadOptions& options, uint32_t index, const Stopwatch& watch)
      : options_(options),
        watch_(watch),
        source_(index + 100, options.record_bytes, options.batch_bytes),
        turn_(index, options.connections, options.partitions) {}

  absl::Status Run(const std::string& address, Tally* tally) {
    absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Connect(address);
    if (!connection.ok()) return connection.status();
    const UndoGuard stop([&connection] { (*connection)->FinishSending(); });
    const absl::Duration end = options_.warm_up + options_.duration;
    while (watch_.Elapsed() < end) {
      while (waiting_.size() < options_.in_flight) {
        const absl::Status sent = SendOne(**connection);
        if (!sent.ok()) return sent;
        if (options_.ack != wire::ACK_NONE) continue;
        // There is no reply to wait for; TCP holds the sender up.
        Count(waiting_.back(), tally);
        waiting_.pop_back();
        if (watch_.Elapsed() >= end) return Barrier(**connection);
      }
      const absl::Status received = ReceiveOne(**connection, tally);
      if (!received.ok()) return received;
    }
    while (!waiting_.empty()) {
      const absl::Status received = ReceiveOne(**connection, tally);
      if (!received.ok()) return received;
    }
    return absl::OkStatus();
  }

 private:
  struct Waiting {
    int64_t sent_nanos = 0;
    uint64_t records = 0;
  };

  // Requests of one connection are taken in order: once this one is answered, those before it are done.
  absl::Status Barrier(Connection& connection) const {
    return CountRecords(connection, options_.topic, false).status();
  }

  absl::Status SendOne(Connection& connection) {
    const absl::StatusOr<std::string> batch = source_.Next(kTimestampMs);
    if (!batch.ok()) return batch.status();
    request_.set_correlation_id(++sequence_);
    wire::ProduceRequest& produce = *request_.mutable_produce();
    produce.set_ack(options_.ack);
    if (produce.partitions_size() == 0) produce.add_partitions()->set_topic(options_.topic);
    produce.mutable_partitions(0)->set_partition(turn_.Next());
    produce.mutable_partitions(0)->set_batch_bytes(static_cast<uint32_t>(batch->size()));
    waiting_.push_back({watch_.Nanos(), source_.count()});
    return connection.Send(request_, {*batch});
  }

  // Replies of one connection may come out of order; which of them came first does not matter to the sums.
  absl::Status ReceiveOne(Connection& connection, Tally* tally) {
    const absl::StatusOr<Connection::Reply> reply = connection.Receive();
    if (!reply.ok()) return reply.status();
    const auto& results = reply->header.produce().results();
    if (results.size() != 1)
      return MakeError(ErrorCode::kInvalidRequest, "a produce reply without its result");
    if (results[0].error().code() != 0) return FromWire(results[0].error());
    const uint64_t first = sequence_ - waiting_.size() + 1;
    const uint64_t at = reply->header.correlation_id() - first;
    if (at >= waiting_.size()) return MakeError(ErrorCode::kInvalidRequest, "a reply to no request of ours");
    Count(waiting_[at], tally);
    waiting_[at].records = 0;
    while (!waiting_.empty() && waiting_.front().records == 0) waiting_.pop_front();
    return absl::OkStatus();
  }

  void Count(const Waiting& done, Tally* tally) const {
    const int64_t now = watch_.Nanos();
    tally->acknowledged += done.records;
    const absl::Duration since = absl::Nanoseconds(now) - options_.warm_up;
    if (since < absl::ZeroDuration() || since >= options_.duration) return;
    tally->counted += done.records;
    tally->reply_time.Record(now - done.sent_nanos);
  }

  const LoadOptions& options_;
  const Stopwatch& watch_;
  BatchSource source_;
  PartitionTurn turn_;
  uint64_t sequence_ = 0;
  std::deque<Waiting> waiting_;  // of requests sequence_ - size + 1 .. sequence_
  wire::RequestHeader request_;
};

void AddBrokerUsage(Report& report, const ProcessUsage& before, const ProcessUsage& after, double seconds,
                    double bytes) {
  const double cpu = after.cpu_seconds - before.cpu_seconds;
  report.Add("broker_cpu_share", "broker CPU", cpu / seconds * 100, "% of a core");
  if (bytes > 0) report.Add("broker_cpu_s_per_gb", "broker CPU per GB", cpu / (bytes / 1e9), "s");
  report.Add("broker_peak_mb", "broker peak memory", static_cast<double>(after.peak_bytes) / 1e6, "MB");
}

// The floor that the acknowledgement sets: the disk's own synced writes, or writes to the page cache.
absl::Status AddFloor(Report& report, const LoadOptions& options, double bytes_per_second) {
  if (options.floor_directory.empty()) return absl::OkStatus();
  const bool durable = options.ack == wire::ACK_DURABLE;
  const size_t chunk = RecordsPerBatch(options.record_bytes, options.batch_bytes) * options.record_bytes;
  const absl::StatusOr<double> floor =
      durable ? SyncedWriteBytesPerSecond(options.duration, options.floor_directory, chunk)
              : PageCacheWriteBytesPerSecond(options.duration, options.floor_directory);
  if (!floor.ok()) return floor.status();
  report.Add("floor_mb_s", durable ? "floor: write + fdatasync of a batch" : "floor: write to the page cache",
             *floor / 1e6, "MB/s");
  report.Add("ratio_to_floor", "ratio to the floor", bytes_per_second / *floor, "");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> RunProduce(const LoadOptions& options, const Target& target) {
  absl::StatusOr<std::unique_ptr<Connection>> control = Connection::Connect(target.address());
  if (!control.ok()) return control.status();
  const absl::StatusOr<std::unique_ptr<ScratchTopic>> topic = ScratchTopic::Create(target, SpecOf(options));
  if (!topic.ok()) return topic.status();
  const absl::StatusOr<ProcessUsage> before = UsageOf(target.process());
  std::vector<Tally> tallies(options.connections);
  const Stopwatch watch;
  const absl::Status run = RunWorkers(options.connections, [&](uint32_t index) {
    return ProduceLoop(options, index, watch).Run(target.address(), &tallies[index]);
  });
  const double seconds = watch.Seconds();
  if (!run.ok()) return run;
  const absl::StatusOr<ProcessUsage> after = UsageOf(target.process());

  Tally all;
  for (const Tally& tally : tallies) {
    all.acknowledged += tally.acknowledged;
    all.counted += tally.counted;
    all.reply_time.Merge(tally.reply_time);
  }
  if (all.counted == 0) {
    return MakeError(
        ErrorCode::kTimedOut,
        absl::StrCat("the run has no result: no batch was acknowledged in the ",
                     absl::FormatDuration(options.duration), " counted; take a longer --duration"));
  }
  const double counted_s = absl::ToDoubleSeconds(options.duration);
  const double rate = static_cast<double>(all.counted) / counted_s;
  const double bytes_per_second = rate * static_cast<double>(options.record_bytes);
  Report report("produce");
  report.AddText("ack", "acknowledgement", AckName(options.ack));
  report.Add("record_bytes", "record", static_cast<double>(options.record_bytes), "bytes");
  const uint64_t batch_records = RecordsPerBatch(options.record_bytes, options.batch_bytes);
  report.Add("batch_records", "batch", static_cast<double>(batch_records), "records");
  report.Add("batch_bytes", "batch payload", static_cast<double>(batch_records * options.record_bytes),
             "bytes");
  report.Add("connections", "connections", options.connections, "");
  report.Add("in_flight", "requests in flight of each", options.in_flight, "");
  report.Add("partitions", "partitions", options.partitions, "");
  report.Add("records_per_s", "records", rate, "/s");
  report.Add("mb_per_s", "payload", bytes_per_second / 1e6, "MB/s");
  report.AddLatency("reply", "reply time (saturated)", all.reply_time);
  if (before.ok() && after.ok()) {
    AddBrokerUsage(report, *before, *after, seconds,
                   static_cast<double>(all.acknowledged) * static_cast<double>(options.record_bytes));
  }
  const absl::Status floor = AddFloor(report, options, bytes_per_second);
  if (!floor.ok()) return floor;
  if (options.verify) {
    const absl::StatusOr<int64_t> there =
        CountRecords(**control, options.topic, options.ack == wire::ACK_DURABLE);
    if (!there.ok()) return there.status();
    if (*there != static_cast<int64_t>(all.acknowledged)) {
      return MakeError(ErrorCode::kDataLoss,
                       absl::StrCat("the run has no result: ", all.acknowledged,
                                    " records were acknowledged, the broker holds ", *there));
    }
  }
  return report;
}

}  // namespace leat
