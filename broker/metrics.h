#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/close_reason.h"
#include "broker/config.h"
#include "protocol/record/error.h"
#include "storage/env/histogram.h"
#include "storage/log_store.h"

// What the broker counts. The table in metrics.cc gives every figure its name, kind, unit and meaning.

namespace leat {

// A figure that goes up, or up and down. Any thread.
class Count {
 public:
  void Add(int64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void Sub(int64_t n = 1) { value_.fetch_sub(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

inline constexpr size_t kRequestKindsMax = 32;

struct Metrics {
  Count connections_open, connections_accepted, connections_refused, accept_errors;
  Count connections_refused_open;           // refused, but not closed yet
  std::array<Count, kCloseReasons> closed;  // by CloseReason
  Count frames_in, frames_out, bytes_in, bytes_out, bad_frames;
  std::array<Count, kRequestKindsMax> requests;  // by number of the request in RequestHeader
  Count requests_in_flight;
  std::array<Count, 128> errors;  // by ErrorCode
  Count paused_by_connection_limit, paused_by_send_queue, paused_by_memory;
  Count ack_waiters, fetch_waiters, produce_timeouts;
  Count batches_in, records_in, batch_bytes_in, batch_bytes_out;
  Count topics_auto_created;
  Count commit_notices;
  Histogram produce_latency, fetch_latency, request_latency;  // nanoseconds

  void CountError(ErrorCode code);
};

// What is read from elsewhere at the moment of asking.
struct MetricSources {
  const Config& config;
  StoreStats store;
  size_t topics = 0;
  size_t partitions = 0;
  int64_t memory_used = 0;
  absl::Duration uptime;
};

struct MetricValue {
  std::string name;
  absl::string_view kind;  // "counter", "gauge"
  absl::string_view unit;
  std::string doc;
  double value = 0;
};

// All figures, in the order of the table.
std::vector<MetricValue> CollectMetrics(const Metrics& metrics, const MetricSources& sources);

}  // namespace leat
