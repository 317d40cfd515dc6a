#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace leat {

// How failed requests are tried again: after initial_backoff, then each time `multiplier` longer, up to
// max_backoff; every delay is drawn between (1 - jitter) and (1 + jitter) of that.
struct RetryOptions {
  absl::Duration initial_backoff = absl::Milliseconds(20);
  absl::Duration max_backoff = absl::Seconds(1);
  double multiplier = 2.0;  // >= 1
  double jitter = 0.2;      // 0 to 1
};

struct ClientOptions {
  // "HOST:PORT", "[v6]:PORT" or "HOST" (port 9640). A name with several addresses is tried address by
  // address.
  std::string address = "localhost:9640";
  // Sent in Hello; the daemon's log shows it.
  std::string client_name = "leat-client";
  // For one attempt to reach one address, Hello included.
  absl::Duration connect_timeout = absl::Seconds(5);
  // From handing a request to the network until its reply; longer than the broker itself waits for a disk. A
  // connection on which nothing at all arrived for so long while a request waited is given up and made anew.
  absl::Duration request_timeout = absl::Seconds(40);
  // For admin calls and look-ups of topics and offsets, over all attempts, a restart of the daemon included.
  absl::Duration operation_timeout = absl::Seconds(30);
  // Between attempts to connect and to repeat a request.
  RetryOptions retry = {};
  // Of everything random: jitter, producer ids, the partitions that records without key begin with. 0: from
  // the system. Two producers that must not be taken for one must not share a seed other than 0.
  uint64_t seed = 0;
};

}  // namespace leat
