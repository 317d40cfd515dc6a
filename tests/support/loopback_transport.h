#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "protocol/wire/transport.h"
#include "storage/env/executor.h"

namespace leat {

struct LoopbackOptions {
  uint64_t seed = 1;
  // Bytes travel in pieces of 1 to this many, as the seed has it.
  size_t piece_bytes_max = 1024;
  // Each piece takes up to this long.
  absl::Duration delay_max = absl::ZeroDuration();
  // Bytes on their way in one direction, as the buffers of two sockets would hold them.
  size_t window_bytes = 64 * 1024;
  size_t read_buffer_bytes_max = 8 * 1024 * 1024;
  absl::Duration flush_deadline = absl::Seconds(5);
};

// Two ends of one connection in memory, each on an executor of its own: what a test that runs the broker or a
// client without sockets puts in the place of TCP. Under SimRuntime the same seed gives the same run.
struct Loopback {
  std::shared_ptr<Transport> left;
  std::shared_ptr<Transport> right;
  // The network breaks: what is on its way is lost, and both ends fail with kUnavailable. Any thread.
  std::function<void()> cut;
};

// The executors outlive both ends. An end keeps itself alive from Start until OnClosed has returned.
Loopback NewLoopback(Executor& left, Executor& right, const LoopbackOptions& options = {});

}  // namespace leat
