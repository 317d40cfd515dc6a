#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/consumed_record.h"
#include "tools/cli/span_reader.h"
#include "tools/cli/topic_span.h"

namespace leat {

// The records of a span in the order of their timestamps over all partitions; those of one partition stay in
// the order of their offsets. Memory is bounded: a partition that is ahead is paused. One thread.
class MergedReader {
 public:
  // `reader` outlives this object.
  MergedReader(SpanReader* reader, const TopicSpan& span);

  // The next record; nothing when all have been given, or when `stop` said true while waiting.
  absl::StatusOr<std::optional<ConsumedRecord>> Next(const std::function<bool()>& stop);

 private:
  struct Queue {
    std::deque<ConsumedRecord> records;
    size_t bytes = 0;
    bool paused = false;
  };
  using Head = std::pair<int64_t, int32_t>;  // timestamp, partition

  absl::Status Fill();
  ConsumedRecord Pop();
  absl::Status Relieve(int32_t partition, Queue* queue);

  SpanReader* reader_;
  size_t queue_bytes_max_;
  std::map<int32_t, Queue> queues_;
  std::set<int32_t> waiting_;  // partitions that will give more, with nothing at hand
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads_;
};

}  // namespace leat
