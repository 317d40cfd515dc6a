#include "broker/metrics.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "broker/request_table.h"

namespace leat {
namespace {

constexpr absl::string_view kCounter = "counter";
constexpr absl::string_view kGauge = "gauge";

double Micros(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }

struct Row {
  absl::string_view name;
  absl::string_view kind;
  absl::string_view unit;
  absl::string_view doc;
  double (*value)(const Metrics&, const MetricSources&);
};

#define LEAT_COUNT(field) \
  [](const Metrics& m, const MetricSources&) { return static_cast<double>(m.field.value()); }
#define LEAT_SOURCE(expression) \
  [](const Metrics&, const MetricSources& s) { return static_cast<double>(s.expression); }
#define LEAT_LATENCY(field, part) \
  [](const Metrics& m, const MetricSources&) { return static_cast<double>(m.field.part) / 1000; }

constexpr Row kRows[] = {
    {"uptime_seconds", kGauge, "s", "Time since start.",
     [](const Metrics&, const MetricSources& s) { return absl::ToDoubleSeconds(s.uptime); }},

    {"connections_open", kGauge, "connections", "Connections now.", LEAT_COUNT(connections_open)},
    {"connections_limit", kGauge, "connections", "connections_max.", LEAT_SOURCE(config.connections_max)},
    {"connections_accepted", kCounter, "connections", "Connections served since start.",
     LEAT_COUNT(connections_accepted)},
    {"connections_refused", kCounter, "connections", "Connections refused because of connections_max.",
     LEAT_COUNT(connections_refused)},
    {"accept_errors", kCounter, "errors", "Failed accepts, such as for want of file descriptors.",
     LEAT_COUNT(accept_errors)},

    {"frames_in", kCounter, "frames", "Frames received whole.", LEAT_COUNT(frames_in)},
    {"frames_out", kCounter, "frames", "Frames handed to the network queue.", LEAT_COUNT(frames_out)},
    {"bytes_in", kCounter, "bytes", "Bytes of frames received.", LEAT_COUNT(bytes_in)},
    {"bytes_out", kCounter, "bytes", "Bytes of frames handed to the network queue.", LEAT_COUNT(bytes_out)},
    {"bad_frames", kCounter, "frames", "Frames for which a connection was closed.", LEAT_COUNT(bad_frames)},
    {"requests_in_flight", kGauge, "requests", "Requests read and not answered.",
     LEAT_COUNT(requests_in_flight)},

    {"memory_used_bytes", kGauge, "bytes", "Bytes in flight that count towards memory_bytes_max.",
     LEAT_SOURCE(memory_used)},
    {"memory_limit_bytes", kGauge, "bytes", "memory_bytes_max.", LEAT_SOURCE(config.memory_bytes_max)},
    {"paused_by_connection_limit", kCounter, "times",
     "Reading stopped because of connection_bytes_in_flight_max.", LEAT_COUNT(paused_by_connection_limit)},
    {"paused_by_send_queue", kCounter, "times", "Reading stopped because of send_queue_bytes_max.",
     LEAT_COUNT(paused_by_send_queue)},
    {"paused_by_memory", kCounter, "times", "Reading stopped because of memory_bytes_max.",
     LEAT_COUNT(paused_by_memory)},

    {"batches_in", kCounter, "batches", "Batches appended.", LEAT_COUNT(batches_in)},
    {"records_in", kCounter, "records", "Records appended.", LEAT_COUNT(records_in)},
    {"batch_bytes_in", kCounter, "bytes", "Bytes of batches appended.", LEAT_COUNT(batch_bytes_in)},
    {"batch_bytes_out", kCounter, "bytes", "Bytes of batches sent to consumers.",
     LEAT_COUNT(batch_bytes_out)},
    {"ack_waiters", kGauge, "requests", "Batches that wait for durability.", LEAT_COUNT(ack_waiters)},
    {"fetch_waiters", kGauge, "requests", "Fetches that wait for records.", LEAT_COUNT(fetch_waiters)},
    {"produce_timeouts", kCounter, "requests", "Produce requests that timed out, outcome unknown.",
     LEAT_COUNT(produce_timeouts)},

    {"produce_latency_p50_us", kGauge, "us", "Produce, from frame to reply: half are below.",
     LEAT_LATENCY(produce_latency, Quantile(0.5))},
    {"produce_latency_p99_us", kGauge, "us", "Produce, from frame to reply: 99 of 100 are below.",
     LEAT_LATENCY(produce_latency, Quantile(0.99))},
    {"produce_latency_max_us", kGauge, "us", "Produce, from frame to reply: the longest.",
     LEAT_LATENCY(produce_latency, max())},
    {"fetch_latency_p50_us", kGauge, "us", "Fetch, waiting included: half are below.",
     LEAT_LATENCY(fetch_latency, Quantile(0.5))},
    {"fetch_latency_p99_us", kGauge, "us", "Fetch, waiting included: 99 of 100 are below.",
     LEAT_LATENCY(fetch_latency, Quantile(0.99))},
    {"fetch_latency_max_us", kGauge, "us", "Fetch, waiting included: the longest.",
     LEAT_LATENCY(fetch_latency, max())},
    {"request_latency_p50_us", kGauge, "us", "All other requests: half are below.",
     LEAT_LATENCY(request_latency, Quantile(0.5))},
    {"request_latency_p99_us", kGauge, "us", "All other requests: 99 of 100 are below.",
     LEAT_LATENCY(request_latency, Quantile(0.99))},
    {"request_latency_max_us", kGauge, "us", "All other requests: the longest.",
     LEAT_LATENCY(request_latency, max())},

    {"topics", kGauge, "topics", "Topics now.", LEAT_SOURCE(topics)},
    {"topics_limit", kGauge, "topics", "topics_max.", LEAT_SOURCE(config.topics_max)},
    {"partitions", kGauge, "partitions", "Partitions of all topics.", LEAT_SOURCE(partitions)},
    {"partitions_limit", kGauge, "partitions", "partitions_max.", LEAT_SOURCE(config.partitions_max)},
    {"topics_auto_created", kCounter, "topics", "Topics created by a first produce.",
     LEAT_COUNT(topics_auto_created)},

    {"commit_groups", kCounter, "groups", "Groups made durable.", LEAT_SOURCE(store.commit_groups)},
    {"commit_group_partitions_p50", kGauge, "partitions", "Partitions made durable per group: the median.",
     LEAT_SOURCE(store.group_partitions_p50)},
    {"commit_journal_groups", kCounter, "groups", "Groups made durable by the journal.",
     LEAT_SOURCE(store.journal_groups)},
    {"commit_cost_segment_us", kGauge, "us", "What the sync of a segment costs, as learnt: decides the way.",
     [](const Metrics&, const MetricSources& s) { return Micros(s.store.cost.t_segment); }},
    {"commit_cost_journal_us", kGauge, "us", "What the sync of the journal costs, as learnt.",
     [](const Metrics&, const MetricSources& s) { return Micros(s.store.cost.t_journal); }},
    {"commit_cost_bytes_per_second", kGauge, "bytes/s", "How fast the disk takes bytes, as learnt.",
     LEAT_SOURCE(store.cost.disk_bytes_per_s)},
    {"journal_files", kGauge, "files", "Files of the commit journal.", LEAT_SOURCE(store.journal_files)},
    {"journal_bytes", kGauge, "bytes", "Size of the commit journal on disk.",
     LEAT_SOURCE(store.journal_bytes)},
    {"journal_limit_bytes", kGauge, "bytes", "journal_bytes_max.", LEAT_SOURCE(store.journal_bytes_max)},
    {"journal_bytes_written", kCounter, "bytes", "Bytes written to the commit journal.",
     LEAT_SOURCE(store.journal_bytes_written)},
    {"partitions_to_sync", kGauge, "partitions",
     "Partitions that are durable by the journal and wait to be synced in their segments.",
     LEAT_SOURCE(store.unsynced_partitions)},
    {"commit_notices", kCounter, "posts", "Wake-ups of network threads after groups.",
     LEAT_COUNT(commit_notices)},
    {"syncs", kCounter, "syncs", "Syncs of files.", LEAT_SOURCE(store.sync.count)},
    {"sync_latency_p50_us", kGauge, "us", "One sync of a file: half are below.",
     [](const Metrics&, const MetricSources& s) { return Micros(s.store.sync.p50); }},
    {"sync_latency_p99_us", kGauge, "us", "One sync of a file: 99 of 100 are below.",
     [](const Metrics&, const MetricSources& s) { return Micros(s.store.sync.p99); }},
    {"sync_latency_max_us", kGauge, "us", "One sync of a file: the longest.",
     [](const Metrics&, const MetricSources& s) { return Micros(s.store.sync.max); }},
    {"open_files", kGauge, "files", "Segment files open.", LEAT_SOURCE(store.open_files)},
    {"open_files_limit", kGauge, "files", "open_files_max.", LEAT_SOURCE(config.open_files_max)},
    {"segments_rolled", kCounter, "segments", "Segments closed for a new one.",
     LEAT_SOURCE(store.segments_rolled)},
    {"indexes_rebuilt", kCounter, "files", "Index files rebuilt from their segments.",
     LEAT_SOURCE(store.indexes_rebuilt)},
    {"checkpoints_written", kCounter, "checkpoints", "Checkpoints written.",
     LEAT_SOURCE(store.checkpoints_written)},
    {"disk_free_bytes", kGauge, "bytes", "Room left on the disk of the data directory.",
     LEAT_SOURCE(store.disk_free_bytes)},
    {"disk_full_errors", kCounter, "errors", "Writes refused because the disk was full.",
     LEAT_SOURCE(store.disk_full_errors)},
};

#undef LEAT_COUNT
#undef LEAT_SOURCE
#undef LEAT_LATENCY

constexpr absl::string_view kCloseReasonNames[kCloseReasons] = {"peer",          "bad_frame",     "hello",
                                                                "hello_timeout", "frame_timeout", "idle",
                                                                "send_stall",    "refused",       "shutdown"};

void AppendFamilies(const Metrics& metrics, std::vector<MetricValue>& out) {
  for (size_t i = 0; i < kCloseReasons; ++i) {
    out.push_back({absl::StrCat("connections_closed_", kCloseReasonNames[i]), kCounter, "connections",
                   absl::StrCat("Connections that ended for the reason \"", kCloseReasonNames[i], "\"."),
                   static_cast<double>(metrics.closed[i].value())});
  }
  for (const RequestRow& row : RequestTable()) {
    out.push_back({absl::StrCat("requests_", row.name), kCounter, "requests",
                   absl::StrCat("Requests of kind ", row.name, "."),
                   static_cast<double>(metrics.requests[static_cast<size_t>(row.kind)].value())});
  }
  for (const ErrorInfo& info : ErrorTable()) {
    const auto index = static_cast<size_t>(info.code);
    if (index == 0 || index >= metrics.errors.size()) continue;
    out.push_back({absl::StrCat("errors_", absl::AsciiStrToLower(info.name)), kCounter, "errors",
                   absl::StrCat("Answers with the error ", info.name, "."),
                   static_cast<double>(metrics.errors[index].value())});
  }
}

}  // namespace

absl::string_view CloseReasonName(CloseReason reason) {
  return kCloseReasonNames[static_cast<size_t>(reason)];
}

void Metrics::CountError(ErrorCode code) {
  const auto index = static_cast<size_t>(code);
  errors[index < errors.size() ? index : static_cast<size_t>(ErrorCode::kUnknown)].Add();
}

std::vector<MetricValue> CollectMetrics(const Metrics& metrics, const MetricSources& sources) {
  std::vector<MetricValue> values;
  for (const Row& row : kRows) {
    values.push_back(
        {std::string(row.name), row.kind, row.unit, std::string(row.doc), row.value(metrics, sources)});
  }
  AppendFamilies(metrics, values);
  return values;
}

}  // namespace leat
