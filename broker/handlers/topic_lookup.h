#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/log_store.h"

namespace leat {

// kUnknownTopic, with `suggest` saying which topic was probably meant, if one is near; for a name that no
// topic can have, kInvalidTopicName. Suggesting takes time: once per request.
absl::Status UnknownTopic(const LogStore& store, absl::string_view name, bool suggest = true);

// kUnknownPartition that says which ones there are.
absl::Status UnknownPartition(const Topic& topic, uint32_t partition);

// kInvalidTopicName: clients neither create nor write internal topics.
absl::Status InternalTopic(absl::string_view name);
bool IsInternalName(absl::string_view name);

// Finds partitions for the entries of one request; the last topic is remembered, because entries of one topic
// usually follow each other.
class PartitionFinder {
 public:
  explicit PartitionFinder(const LogStore& store) : store_(store) {}
  // Null when there is no such topic.
  const Topic* FindTopic(absl::string_view name);
  absl::StatusOr<std::shared_ptr<PartitionLog>> Find(absl::string_view topic, uint32_t partition);

 private:
  const LogStore& store_;
  TopicPtr topic_;
  bool suggest_ = true;  // in the next error
};

}  // namespace leat
