#include <algorithm>
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
#include "protocol/record/validate.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

struct Position {
  uint32_t partition = 0;
  int64_t next = 0;
  int64_t end = 0;
};

struct Tally {
  uint64_t records = 0;
  uint64_t bytes = 0;  // of batches
};

// Writes `consume_bytes` of records, spread over the partitions; gives how many each partition holds.
absl::StatusOr<std::vector<int64_t>> Fill(Connection& connection, const LoadOptions& options) {
  const UndoGuard stop([&connection] { connection.FinishSending(); });
  BatchSource source(7, options.record_bytes, options.batch_bytes);
  std::vector<int64_t> counts(options.partitions);
  wire::RequestHeader request;
  wire::ProducePartition& entry = *request.mutable_produce()->add_partitions();
  entry.set_topic(options.topic);
  request.mutable_produce()->set_ack(wire::ACK_DURABLE);
  uint32_t waiting = 0;
  uint64_t written = 0;
  for (uint64_t i = 0; written < options.consume_bytes || waiting > 0; ++i) {
    if (written < options.consume_bytes) {
      const absl::StatusOr<std::string> batch = source.Next(1'700'000'000'000);
      if (!batch.ok()) return batch.status();
      const uint32_t partition = static_cast<uint32_t>(i % options.partitions);
      entry.set_partition(partition);
      entry.set_batch_bytes(static_cast<uint32_t>(batch->size()));
      const absl::Status sent = connection.Send(request, {*batch});
      if (!sent.ok()) return sent;
      counts[partition] += static_cast<int64_t>(source.count());
      written += source.count() * options.record_bytes;
      if (++waiting < 8) continue;
    }
    const absl::StatusOr<Connection::Reply> reply = connection.Receive();
    if (!reply.ok()) return reply.status();
    const wire::Error& error = reply->header.produce().results(0).error();
    if (error.code() != 0) return FromWire(error);
    --waiting;
  }
  return counts;
}

// Takes the batches of one partition out of a fetch reply; checks CRC and order.
absl::Status TakeBatches(absl::string_view bytes, bool verify, Position* position, Tally* tally) {
  while (!bytes.empty()) {
    const absl::StatusOr<BatchView> batch = CheckStoredBatch(bytes);
    if (!batch.ok()) return batch.status();
    if (verify && batch->header().base_offset != position->next) {
      return MakeError(ErrorCode::kDataLoss,
                       absl::StrCat("partition ", position->partition, ": expected offset ", position->next,
                                    ", got ", batch->header().base_offset));
    }
    position->next += batch->header().record_count;
    tally->records += static_cast<uint64_t>(batch->header().record_count);
    tally->bytes += batch->bytes().size();
    bytes.remove_prefix(batch->bytes().size());
  }
  return absl::OkStatus();
}

absl::Status SendFetch(Connection& connection, const LoadOptions& options,
                       const std::vector<Position>& positions) {
  wire::RequestHeader request;
  wire::FetchRequest& fetch = *request.mutable_fetch();
  fetch.set_max_bytes(options.fetch_bytes);
  fetch.set_min_bytes(1);
  fetch.set_max_wait_ms(500);
  for (const Position& position : positions) {
    wire::FetchPartition& entry = *fetch.add_partitions();
    entry.set_topic(options.topic);
    entry.set_partition(position.partition);
    entry.set_offset(position.next);
  }
  return connection.Send(request, {});
}

absl::Status Consume(const std::string& address, const LoadOptions& options, std::vector<Position> positions,
                     Tally* tally) {
  absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Connect(address);
  if (!connection.ok()) return connection.status();
  const auto done = [](const Position& position) { return position.next >= position.end; };
  while (true) {
    positions.erase(std::remove_if(positions.begin(), positions.end(), done), positions.end());
    if (positions.empty()) return absl::OkStatus();
    const absl::Status sent = SendFetch(**connection, options, positions);
    if (!sent.ok()) return sent;
    const absl::StatusOr<Connection::Reply> reply = (*connection)->Receive();
    if (!reply.ok()) return reply.status();
    absl::string_view payload = reply->payload;
    const auto& results = reply->header.fetch().results();
    for (int i = 0; i < results.size(); ++i) {
      if (results[i].error().code() != 0) return FromWire(results[i].error());
      const absl::string_view batches = payload.substr(0, results[i].batches_bytes());
      payload.remove_prefix(batches.size());
      const absl::Status taken =
          TakeBatches(batches, options.verify, &positions[static_cast<size_t>(i)], tally);
      if (!taken.ok()) return taken;
    }
  }
}

// The floor of performance work on one machine: sendfile over loopback, and a CRC at the receiver, on two
// cores.
absl::Status AddFloor(Report& report, const LoadOptions& options, double bytes_per_second) {
  if (options.floor_directory.empty()) return absl::OkStatus();
  const absl::StatusOr<double> sendfile_rate =
      LoopbackBytesPerSecond(options.duration, true, options.floor_directory);
  if (!sendfile_rate.ok()) return sendfile_rate.status();
  const double crc_rate = Crc32cBytesPerSecond(absl::Milliseconds(300), 65536);
  const double floor = 2 / (2 / *sendfile_rate + 1 / crc_rate);
  report.Add("floor_mb_s", "floor: sendfile over loopback and one CRC", floor / 1e6, "MB/s");
  report.Add("ratio_to_floor", "ratio to the floor", bytes_per_second / floor, "");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Report> RunConsume(const LoadOptions& options, const Target& target) {
  absl::StatusOr<std::unique_ptr<Connection>> control = Connection::Connect(target.address());
  if (!control.ok()) return control.status();
  const absl::StatusOr<std::unique_ptr<ScratchTopic>> topic = ScratchTopic::Create(target, SpecOf(options));
  if (!topic.ok()) return topic.status();
  const absl::StatusOr<std::vector<int64_t>> counts = Fill(**control, options);
  if (!counts.ok()) return counts.status();

  std::vector<std::vector<Position>> shares(options.connections);
  int64_t expected = 0;
  for (uint32_t partition = 0; partition < options.partitions; ++partition) {
    shares[partition % options.connections].push_back({partition, 0, (*counts)[partition]});
    expected += (*counts)[partition];
  }
  const absl::StatusOr<ProcessUsage> before = UsageOf(target.process());
  std::vector<Tally> tallies(options.connections);
  const Stopwatch watch;
  const absl::Status run = RunWorkers(options.connections, [&](uint32_t index) {
    return Consume(target.address(), options, shares[index], &tallies[index]);
  });
  const double seconds = watch.Seconds();
  if (!run.ok()) return run;
  const absl::StatusOr<ProcessUsage> after = UsageOf(target.process());

  Tally all;
  for (const Tally& tally : tallies) {
    all.records += tally.records;
    all.bytes += tally.bytes;
  }
  if (options.verify && static_cast<int64_t>(all.records) != expected) {
    return MakeError(ErrorCode::kDataLoss, absl::StrCat("the run has no result: ", expected,
                                                        " records were produced, ", all.records, " read"));
  }
  const double bytes_per_second = static_cast<double>(all.bytes) / seconds;
  Report report("consume");
  report.Add("record_bytes", "record", static_cast<double>(options.record_bytes), "bytes");
  const uint64_t batch_records = RecordsPerBatch(options.record_bytes, options.batch_bytes);
  report.Add("batch_records", "batch", static_cast<double>(batch_records), "records");
  report.Add("batch_bytes", "batch payload", static_cast<double>(batch_records * options.record_bytes),
             "bytes");
  report.Add("connections", "connections", options.connections, "");
  report.Add("partitions", "partitions", options.partitions, "");
  report.Add("read_s", "read in", seconds, "s");
  report.Add("records_per_s", "records", static_cast<double>(all.records) / seconds, "/s");
  report.Add("mb_per_s", "batches", bytes_per_second / 1e6, "MB/s");
  if (before.ok() && after.ok()) {
    const double cpu = after->cpu_seconds - before->cpu_seconds;
    report.Add("broker_cpu_s_per_gb", "broker CPU per GB", cpu / (static_cast<double>(all.bytes) / 1e9), "s");
    report.Add("broker_peak_mb", "broker peak memory", static_cast<double>(after->peak_bytes) / 1e6, "MB");
  }
  const absl::Status floor = AddFloor(report, options, bytes_per_second);
  if (!floor.ok()) return floor;
  return report;
}

}  // namespace leat
