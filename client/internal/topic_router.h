#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "client/internal/accumulator.h"
#include "client/internal/monotonic.h"
#include "client/internal/random.h"
#include "client/record.h"

namespace leat {

// What a producer knows about a topic.
struct RoutedTopic {
  explicit RoutedTopic(absl::string_view topic) : name(std::make_shared<const std::string>(topic)) {}

  const std::shared_ptr<const std::string> name;
  int32_t partition_count = 0;  // 0: not known yet
  MonotonicTime known_since{};
  bool asking = false;                                  // the broker is being asked for the partition count
  int failures = 0;                                     // of asking, in a row
  std::vector<std::unique_ptr<PartitionQueue>> queues;  // by partition; never fewer than there were
  int32_t sticky = 0;                                   // where the latest record without key went
};

// Chooses the partition of each record. Pure; the caller locks.
class TopicRouter {
 public:
  explicit TopicRouter(uint64_t seed) : random_(seed) {}

  // The topic's state, made when it is new. Stays where it is.
  RoutedTopic& Find(absl::string_view name);

  // The broker's word about the number of partitions.
  void SetPartitionCount(RoutedTopic& topic, int32_t count, MonotonicTime now);

  // The queue of a record; nullptr when the partition count is unknown or too small for it.
  PartitionQueue* Route(RoutedTopic& topic, const RecordRef& record, size_t encoded_bytes,
                        const Accumulator& accumulator);

 private:
  PartitionQueue* RouteSticky(RoutedTopic& topic, size_t encoded_bytes, const Accumulator& accumulator);

  SplitMixRandom random_;
  absl::flat_hash_map<std::string, std::unique_ptr<RoutedTopic>> topics_;
  RoutedTopic* latest_ = nullptr;  // most programs send to one topic many times in a row
};

}  // namespace leat
