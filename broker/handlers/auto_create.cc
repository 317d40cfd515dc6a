#include "broker/handlers/auto_create.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/log.h"
#include "protocol/record/error.h"

namespace leat {

bool MayCreate(Broker& broker, absl::string_view name) {
  return broker.config().auto_create_topics && broker.store().FindTopic(name) == nullptr &&
         !IsInternalName(name) && CheckTopicName(name).ok();
}

std::vector<std::string> MissingTopics(Broker& broker, const std::vector<std::string>& names) {
  std::vector<std::string> missing;
  absl::flat_hash_set<absl::string_view> seen;
  for (const std::string& name : names) {
    if (seen.insert(name).second && MayCreate(broker, name)) missing.push_back(name);
  }
  return missing;
}

absl::Status CreateMissing(Broker& broker, const std::vector<std::string>& names) {
  absl::Status first_error;
  for (const std::string& name : names) {
    TopicSpec spec;
    spec.name = name;
    spec.partition_count = static_cast<uint32_t>(broker.config().default_partitions);
    const absl::StatusOr<TopicPtr> topic = broker.store().CreateTopic(spec);
    if (topic.ok()) {
      broker.metrics().topics_auto_created.Add();
      Log(LogLevel::kInfo, absl::StrCat("created topic \"", name,
                                        "\" on first use, partitions: ", (*topic)->partitions.size()));
    } else if (CodeOf(topic.status()) != ErrorCode::kTopicExists && first_error.ok()) {
      first_error = topic.status();
    }
  }
  return first_error;
}

}  // namespace leat
