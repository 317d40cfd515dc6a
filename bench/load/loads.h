#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/load/report.h"
#include "bench/load/scratch_topic.h"
#include "bench/load/target.h"
#include "protocol/wire/leat.pb.h"

namespace leat {

// All loads work on a topic of their own, which goes again at the end. Errors: the broker's own ones, and
// runs too short to have a result.

struct LoadOptions {
  std::string topic = "leat-bench";
  bool recreate = false;  // the topic, when there is one of that name
  uint32_t partitions = 1;
  uint32_t connections = 1;
  size_t record_bytes = 1024;
  size_t batch_bytes = 512 * 1024;  // of records in one batch, which holds at least one
  uint32_t in_flight = 4;           // requests of one connection that wait for their reply
  wire::AckLevel ack = wire::ACK_DURABLE;
  absl::Duration warm_up = absl::Seconds(1);   // not counted
  absl::Duration duration = absl::Seconds(5);  // counted
  double rate = 1000;                          // records per second in all, for latency
  uint64_t consume_bytes = uint64_t{1} << 30;  // how much is produced to be consumed
  size_t fetch_bytes = 4 * 1024 * 1024;        // of one fetch
  std::string floor_directory;                 // measure floors on this disk in the same run; empty: none
  bool verify = true;  // count afterwards what the broker holds; not against the null broker
};

// Closed loop: each connection keeps `in_flight` batches on the way. Records are encoded and checksummed anew
// for every batch. Throughput, reply times, the broker's CPU and memory, ratio to the floor.
absl::StatusOr<Report> RunProduce(const LoadOptions& options, const Target& target);

// Fills a topic, then reads it from the start with `connections` connections, which share its partitions.
// Checks every batch's CRC.
absl::StatusOr<Report> RunConsume(const LoadOptions& options, const Target& target);

// Open loop: one record per batch at a fixed rate; latency counts from the time when a record was due, so
// that a stall shows in every record that it delays.
absl::StatusOr<Report> RunLatency(const LoadOptions& options, const Target& target);

// How long a leatd takes to start on an empty directory, what it needs while idle, and how long it takes to
// create `partitions` partitions. `target` has just been started.
absl::StatusOr<Report> RunStart(const LoadOptions& options, const Target& target);

// The topic that a load makes for itself.
TopicSpec SpecOf(const LoadOptions& options);
// "durable", "written", "none": as options and reports name it.
std::string AckName(wire::AckLevel level);

}  // namespace leat
