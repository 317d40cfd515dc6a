// Creating, changing, deleting and describing topics.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/offload.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/handlers/wire_topic.h"
#include "broker/log.h"
#include "broker/request_table.h"
#include "protocol/record/error.h"
#include "storage/meta/topic_config.h"

namespace leat {
namespace {

// Answers with what the work made of the reply, or with its error.
void Finish(Responder responder, absl::StatusOr<wire::ResponseHeader> reply) {
  if (!reply.ok()) return responder.Fail(reply.status());
  responder.Send(*reply);
}

std::vector<std::pair<std::string, std::string>> Pairs(
    const google::protobuf::RepeatedPtrField<wire::ConfigEntry>& entries) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const wire::ConfigEntry& entry : entries) pairs.emplace_back(entry.name(), entry.value());
  return pairs;
}

// Looked at before anything is copied: a header of a megabyte has room for half a million entries.
absl::Status CheckSettings(int entries) {
  const size_t known = TopicSettings().size();
  if (entries <= static_cast<int>(known)) return absl::OkStatus();
  return MakeError(ErrorCode::kInvalidConfig,
                   absl::StrCat("the request has ", entries, " settings; a topic has only ", known));
}

struct CreateWork {
  TopicSpec spec;
  bool if_not_exists = false;
  bool validate_only = false;
};

absl::StatusOr<wire::ResponseHeader> Create(LogStore& store, const CreateWork& work) {
  wire::ResponseHeader reply;
  wire::CreateTopicResponse& body = *reply.mutable_create_topic();
  const auto existing = [&]() -> absl::StatusOr<wire::ResponseHeader> {
    const TopicPtr topic = store.FindTopic(work.spec.name);
    if (topic == nullptr) return UnknownTopic(store, work.spec.name);
    body.set_topic_id(topic->id);
    body.set_partition_count(static_cast<uint32_t>(topic->partitions.size()));
    return std::move(reply);
  };
  if (work.if_not_exists && store.FindTopic(work.spec.name) != nullptr) return existing();
  if (work.validate_only) {
    if (absl::Status status = store.ValidateCreate(work.spec); !status.ok()) return status;
    body.set_partition_count(work.spec.partition_count);
    return reply;
  }
  const absl::StatusOr<TopicPtr> topic = store.CreateTopic(work.spec);
  if (work.if_not_exists && CodeOf(topic.status()) == ErrorCode::kTopicExists) return existing();
  if (!topic.ok()) return topic.status();
  Log(LogLevel::kInfo,
      absl::StrCat("created topic \"", (*topic)->name, "\", partitions: ", (*topic)->partitions.size()));
  body.set_topic_id((*topic)->id);
  body.set_partition_count(static_cast<uint32_t>((*topic)->partitions.size()));
  body.set_created(true);
  return reply;
}

struct AlterWork {
  std::string name;
  TopicChange change;
  bool validate_only = false;
};

absl::StatusOr<wire::ResponseHeader> Alter(LogStore& store, const AlterWork& work) {
  const TopicPtr before = store.FindTopic(work.name);
  if (before == nullptr) return UnknownTopic(store, work.name);
  wire::ResponseHeader reply;
  wire::AlterTopicResponse& body = *reply.mutable_alter_topic();
  if (work.validate_only) {
    if (absl::Status status = store.ValidateAlter(work.name, work.change); !status.ok()) return status;
    const auto present = static_cast<uint32_t>(before->partitions.size());
    body.set_partition_count(work.change.partition_count == 0 ? present : work.change.partition_count);
    return reply;
  }
  const absl::StatusOr<TopicPtr> topic = store.AlterTopic(work.name, work.change);
  if (!topic.ok()) return topic.status();
  body.set_partition_count(static_cast<uint32_t>((*topic)->partitions.size()));
  return reply;
}

absl::StatusOr<wire::ResponseHeader> Delete(LogStore& store, const std::string& name) {
  if (store.FindTopic(name) == nullptr) return UnknownTopic(store, name);
  if (absl::Status status = store.DeleteTopic(name); !status.ok()) return status;
  Log(LogLevel::kInfo, absl::StrCat("deleted topic \"", name, "\""));
  wire::ResponseHeader reply;
  reply.mutable_delete_topic();
  return reply;
}

}  // namespace

void HandleCreateTopic(Request& request) {
  const wire::CreateTopicRequest& create = request.header.create_topic();
  Broker& broker = request.responder.broker();
  if (IsInternalName(create.name())) return request.responder.Fail(InternalTopic(create.name()));
  CreateWork work;
  work.spec.name = create.name();
  work.spec.partition_count = create.partition_count() == 0
                                  ? static_cast<uint32_t>(broker.config().default_partitions)
                                  : create.partition_count();
  if (absl::Status status = CheckSettings(create.config_size()); !status.ok()) {
    return request.responder.Fail(status);
  }
  work.spec.config = Pairs(create.config());
  work.if_not_exists = create.if_not_exists();
  work.validate_only = create.validate_only();
  Offload(
      broker.admin(), std::move(request.responder),
      [&store = broker.store(), work = std::move(work)] { return Create(store, work); }, Finish);
}

void HandleAlterTopic(Request& request) {
  const wire::AlterTopicRequest& alter = request.header.alter_topic();
  Broker& broker = request.responder.broker();
  if (IsInternalName(alter.name())) return request.responder.Fail(InternalTopic(alter.name()));
  AlterWork work;
  work.name = alter.name();
  if (absl::Status status = CheckSettings(std::max(alter.set_size(), alter.reset_size())); !status.ok()) {
    return request.responder.Fail(status);
  }
  work.change.set = Pairs(alter.set());
  work.change.reset.assign(alter.reset().begin(), alter.reset().end());
  work.change.partition_count = alter.partition_count();
  work.validate_only = alter.validate_only();
  Offload(
      broker.admin(), std::move(request.responder),
      [&store = broker.store(), work = std::move(work)] { return Alter(store, work); }, Finish);
}

void HandleDeleteTopic(Request& request) {
  const std::string name = request.header.delete_topic().name();
  Broker& broker = request.responder.broker();
  if (IsInternalName(name)) return request.responder.Fail(InternalTopic(name));
  Offload(
      broker.admin(), std::move(request.responder),
      [&store = broker.store(), name] { return Delete(store, name); }, Finish);
}

void HandleDescribeTopic(Request& request) {
  const wire::DescribeTopicRequest& describe = request.header.describe_topic();
  const std::string& name = describe.name();
  const LogStore& store = request.responder.broker().store();
  const TopicPtr topic = store.FindTopic(name);
  if (topic == nullptr) return request.responder.Fail(UnknownTopic(store, name));
  wire::ResponseHeader reply;
  FillDescription(*topic, describe, reply.mutable_describe_topic());
  request.responder.Send(reply);
}

}  // namespace leat
