#include "broker/handlers/auto_create.h"

#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/handlers/offload.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/log.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

absl::Status CreateTopic(Broker& broker, const std::string& name) {
  TopicSpec spec;
  spec.name = name;
  spec.partition_count = static_cast<uint32_t>(broker.config().default_partitions);
  const absl::StatusOr<TopicPtr> topic = broker.store().CreateTopic(spec);
  if (CodeOf(topic.status()) == ErrorCode::kTopicExists) return absl::OkStatus();
  if (!topic.ok()) return topic.status();
  broker.metrics().topics_auto_created.Add();
  Log(LogLevel::kInfo,
      absl::StrCat("created topic \"", name, "\" on first use, partitions: ", (*topic)->partitions.size()));
  return absl::OkStatus();
}

class Creation : public std::enable_shared_from_this<Creation> {
 public:
  Creation(std::vector<std::string> names, TopicsCreated done)
      : names_(std::move(names)), done_(std::move(done)) {}

  void Run(Responder responder) {
    Broker& broker = responder.broker();
    if (next_ > 0 && broker.draining()) {
      first_error_.Update(MakeError(ErrorCode::kShuttingDown, "the broker is stopping; try again later"));
      next_ = names_.size();
    }
    if (next_ == names_.size()) return std::move(done_)(std::move(responder), first_error_);
    Offload(
        broker.admin(), std::move(responder),
        [&broker, name = names_[next_++]] { return CreateTopic(broker, name); },
        [self = shared_from_this()](Responder home, const absl::Status& created) {
          self->first_error_.Update(created);
          self->Run(std::move(home));
        });
  }

 private:
  const std::vector<std::string> names_;
  TopicsCreated done_;
  size_t next_ = 0;
  absl::Status first_error_;
};

}  // namespace

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

void CreateMissing(Responder responder, std::vector<std::string> names, TopicsCreated done) {
  auto creation = std::make_shared<Creation>(std::move(names), std::move(done));
  creation->Run(std::move(responder));
}

}  // namespace leat
