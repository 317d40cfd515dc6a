#include "bench/load/scratch_topic.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

absl::Status DeleteTopic(Connection& connection, const std::string& name) {
  wire::RequestHeader request;
  request.mutable_delete_topic()->set_name(name);
  return connection.Call(request).status();
}

}  // namespace

ScratchTopic::ScratchTopic(const Target& target, TopicSpec spec)
    : address_(target.address()), spec_(std::move(spec)), goes_with_broker_(target.is_own()) {
  undo_.emplace([this] { Delete(); });
}

absl::StatusOr<std::unique_ptr<ScratchTopic>> ScratchTopic::Create(const Target& target, TopicSpec spec) {
  std::unique_ptr<ScratchTopic> topic(new ScratchTopic(target, std::move(spec)));
  const absl::Status created = topic->CreateNow();
  if (!created.ok()) return created;
  return topic;
}

absl::Status ScratchTopic::CreateNow() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Connect(address_);
  if (!connection.ok()) return connection.status();
  if (spec_.recreate) {
    const absl::Status deleted = DeleteTopic(**connection, spec_.name);
    if (!deleted.ok() && CodeOf(deleted) != ErrorCode::kUnknownTopic) return deleted;
  }
  wire::RequestHeader create;
  create.mutable_create_topic()->set_name(spec_.name);
  create.mutable_create_topic()->set_partition_count(spec_.partitions);
  const absl::Status created = (*connection)->Call(create).status();
  if (CodeOf(created) == ErrorCode::kTopicExists) {
    return MakeError(ErrorCode::kTopicExists,
                     absl::StrCat("topic '", spec_.name, "' exists on ", address_,
                                  "; name another one by --topic, or have this one deleted with all its "
                                  "records by --recreate"));
  }
  exists_ = created.ok();
  return created;
}

void ScratchTopic::Delete() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!exists_ || goes_with_broker_) return;
  exists_ = false;
  // A topic that cannot be deleted is no failure of the run; the next one names it.
  const absl::StatusOr<std::unique_ptr<Connection>> connection = Connection::Connect(address_);
  if (connection.ok()) DeleteTopic(**connection, spec_.name).IgnoreError();
}

ScratchTopic::~ScratchTopic() {
  Delete();
  undo_.reset();
}

absl::StatusOr<int64_t> CountRecords(Connection& connection, const std::string& topic, bool durable) {
  wire::RequestHeader request;
  request.mutable_describe_topic()->set_name(topic);
  const absl::StatusOr<Connection::Reply> reply = connection.Call(request);
  if (!reply.ok()) return reply.status();
  int64_t count = 0;
  for (const wire::PartitionState& partition : reply->header.describe_topic().partitions()) {
    count += (durable ? partition.durable_offset() : partition.end_offset()) - partition.log_start_offset();
  }
  return count;
}

}  // namespace leat
