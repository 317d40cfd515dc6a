#include "client/internal/topic_router.h"

#include <algorithm>

#include "client/internal/partitioner.h"

namespace leat {
namespace {

// How many partitions are looked at for one with nothing to do.
constexpr int32_t kStickyTries = 16;

}  // namespace

RoutedTopic& TopicRouter::Find(absl::string_view name) {
  if (latest_ != nullptr && name == *latest_->name) return *latest_;
  auto it = topics_.find(name);
  if (it == topics_.end()) {
    it = topics_.emplace(std::string(name), std::make_unique<RoutedTopic>(name)).first;
  }
  latest_ = it->second.get();
  return *latest_;
}

void TopicRouter::SetPartitionCount(RoutedTopic& topic, int32_t count, MonotonicTime now) {
  if (topic.partition_count == 0)
    topic.sticky = static_cast<int32_t>(random_.Next() % static_cast<uint64_t>(count));
  topic.partition_count = count;
  topic.known_since = now;
  for (auto next = static_cast<int32_t>(topic.queues.size()); next < count; ++next) {
    topic.queues.push_back(std::make_unique<PartitionQueue>(topic.name, next));
  }
}

PartitionQueue* TopicRouter::Route(RoutedTopic& topic, const RecordRef& record, size_t encoded_bytes,
                                   const Accumulator& accumulator) {
  if (topic.partition_count == 0) return nullptr;
  int32_t partition = 0;
  if (record.partition.has_value()) {
    partition = *record.partition;
    if (partition < 0 || partition >= topic.partition_count) return nullptr;
  } else if (record.key.has_value()) {
    partition = PartitionOfKey(*record.key, topic.partition_count);
  } else {
    return RouteSticky(topic, encoded_bytes, accumulator);
  }
  return topic.queues[static_cast<size_t>(partition)].get();
}

// Stays with a partition as long as its batch takes records. Then the next partition that has nothing to do,
// so that no partition idles while others queue; when all have, the next one, whose batch then fills.
PartitionQueue* TopicRouter::RouteSticky(RoutedTopic& topic, size_t encoded_bytes,
                                         const Accumulator& accumulator) {
  const int32_t count = topic.partition_count;
  if (topic.sticky < count) {
    PartitionQueue& current = *topic.queues[static_cast<size_t>(topic.sticky)];
    if (count == 1 || !accumulator.BeginsBatch(current, encoded_bytes)) return &current;
  }
  int32_t chosen = (topic.sticky + 1) % count;
  for (int32_t i = 0; i < std::min(count, kStickyTries); ++i) {
    const int32_t candidate = (topic.sticky + 1 + i) % count;
    if (topic.queues[static_cast<size_t>(candidate)]->state != PartitionQueue::State::kIdle) continue;
    chosen = candidate;
    break;
  }
  topic.sticky = chosen;
  return topic.queues[static_cast<size_t>(chosen)].get();
}

}  // namespace leat
