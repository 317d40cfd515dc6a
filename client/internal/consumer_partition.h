#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "client/consumer.h"
#include "client/future.h"
#include "client/internal/chunk_reader.h"
#include "client/internal/monotonic.h"

namespace leat {

// Completes an Assign or Seek when the last partition of it lets go.
struct PositionToken {
  Promise<absl::Status> promise;
  absl::Status error;  // the first one
  ~PositionToken() { promise.Set(error); }
};

// What a consumer knows about one of its partitions. Plain state under the consumer's lock.
struct ConsumerPartition {
  // kLookUp: the position has to be asked for. kHalted: rests after an error until it is sought again.
  enum class Phase { kLookUp, kFetch, kHalted };

  TopicPartition id;
  std::shared_ptr<const std::string> topic;
  // Another one whenever position or buffer are set anew: replies and reads that began before are then
  // dropped.
  uint64_t generation = 0;
  Phase phase = Phase::kLookUp;
  ReadFrom from;                         // of kLookUp
  std::shared_ptr<PositionToken> token;  // of who waits for the look-up
  Offset position = -1;                  // of the next record that a poll gives
  Offset fetch_offset = -1;              // of the next fetch
  bool fetch_at_boundary = false;        // a batch ended there
  Offset log_start_offset = -1;
  Offset visible_offset = -1;
  bool paused = false;
  bool held = false;     // not fetched before on_assigned has returned
  bool asked = false;    // a look-up or a fetch for this generation is under way
  bool reading = false;  // a poll is decoding a chunk of it
  uint64_t served = 0;   // number of the reply that brought records last
  int failures = 0;      // in a row
  MonotonicTime not_before{};
  std::deque<ChunkReader> chunks;
  size_t buffered_bytes = 0;
  absl::Status error;  // for the next poll

  // Forgets what was fetched and asked; gives the bytes that were held.
  size_t Reset(uint64_t new_generation) {
    generation = new_generation;
    asked = false;
    reading = false;
    failures = 0;
    not_before = MonotonicTime{};
    chunks.clear();
    fetch_offset = position;
    fetch_at_boundary = false;
    return std::exchange(buffered_bytes, 0);
  }
};

}  // namespace leat
