#include "broker/handlers/topic_lookup.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/meta/setting_text.h"

namespace leat {
namespace {

// With more topics than this no name is suggested: it would take too long for an error.
constexpr size_t kTopicsComparedMax = 500;

std::string SuggestTopic(const LogStore& store, absl::string_view name) {
  const std::vector<TopicPtr> topics = store.Topics();
  if (topics.size() > kTopicsComparedMax) return "";
  std::vector<absl::string_view> names;
  for (const TopicPtr& topic : topics) {
    if (!topic->internal()) names.push_back(topic->name);
  }
  const absl::string_view nearest = NearestName(name, names);
  return nearest.empty() ? "" : absl::StrCat("; did you mean \"", nearest, "\"?");
}

}  // namespace

absl::Status UnknownTopic(const LogStore& store, absl::string_view name, bool suggest) {
  if (absl::Status status = CheckTopicName(name); !status.ok()) return status;
  return MakeError(ErrorCode::kUnknownTopic, absl::StrCat("there is no topic \"", name, "\"",
                                                          suggest ? SuggestTopic(store, name) : ""));
}

absl::Status UnknownPartition(const Topic& topic, uint32_t partition) {
  const size_t count = topic.partitions.size();
  return MakeError(
      ErrorCode::kUnknownPartition,
      absl::StrCat("topic \"", topic.name, "\" has no partition ", partition, "; it has ", count,
                   count == 1 ? " partition, 0" : absl::StrCat(" partitions, 0 to ", count - 1)));
}

bool IsInternalName(absl::string_view name) { return absl::StartsWith(name, "__"); }

absl::Status InternalTopic(absl::string_view name) {
  return MakeError(ErrorCode::kInvalidTopicName,
                   absl::StrCat("topic \"", name.substr(0, 249),
                                "\" belongs to the broker: names that begin with \"__\" cannot be created, "
                                "changed or written by clients"));
}

const Topic* PartitionFinder::FindTopic(absl::string_view name) {
  if (topic_ == nullptr || topic_->name != name) topic_ = store_.FindTopic(name);
  return topic_.get();
}

absl::StatusOr<std::shared_ptr<PartitionLog>> PartitionFinder::Find(absl::string_view name,
                                                                    uint32_t partition) {
  const Topic* topic = FindTopic(name);
  if (topic == nullptr) return UnknownTopic(store_, name, std::exchange(suggest_, false));
  if (partition >= topic->partitions.size()) return UnknownPartition(*topic, partition);
  return topic->partitions[partition];
}

}  // namespace leat
