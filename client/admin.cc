#include "client/admin.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/internal/caller.h"
#include "client/internal/offset_query.h"
#include "client/internal/topic_pages.h"
#include "client/internal/wire_convert.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

// Sends `request`; `read` turns the reply into a StatusOr<T> or Status.
template <typename T, typename Read>
Future<T> Ask(const std::shared_ptr<ClientCore>& core, wire::RequestHeader request, Read read) {
  Promise<T> promise;
  Future<T> future = promise.GetFuture();
  const MonotonicTime deadline = After(MonotonicNow(), core->options().operation_timeout);
  CallWithRetry(core, std::move(request), deadline,
                [promise = std::move(promise), read = std::move(read)](CallReply reply) mutable {
                  promise.Set(read(std::move(reply)));
                });
  return future;
}

absl::Status WrongReply() {
  return MakeError(ErrorCode::kUnknown, "the broker answered another request than the one it was asked");
}

void AddSettings(const SettingList& from, google::protobuf::RepeatedPtrField<wire::ConfigEntry>* to) {
  for (const auto& [name, value] : from) {
    wire::ConfigEntry* entry = to->Add();
    entry->set_name(name);
    entry->set_value(value);
  }
}

}  // namespace

Future<absl::StatusOr<CreatedTopic>> Admin::CreateTopic(NewTopic topic) const {
  wire::RequestHeader request;
  wire::CreateTopicRequest* body = request.mutable_create_topic();
  body->set_name(topic.name);
  body->set_partition_count(topic.partitions);
  AddSettings(topic.settings, body->mutable_config());
  body->set_if_not_exists(topic.if_not_exists);
  body->set_validate_only(topic.validate_only);
  return Ask<absl::StatusOr<CreatedTopic>>(
      core_, std::move(request),
      [partitions = topic.partitions,
       validate_only = topic.validate_only](CallReply reply) -> absl::StatusOr<CreatedTopic> {
        if (!reply.header.ok()) {
          if (validate_only || !reply.repeated || CodeOf(reply.header.status()) != ErrorCode::kTopicExists) {
            return reply.header.status();
          }
          return CreatedTopic{0, partitions, true};  // most likely by the attempt whose reply was lost
        }
        if (!(*reply.header)->has_create_topic()) return WrongReply();
        const wire::CreateTopicResponse& response = (*reply.header)->create_topic();
        return CreatedTopic{response.topic_id(), response.partition_count(), response.created()};
      });
}

Future<absl::Status> Admin::DeleteTopic(std::string name) const {
  wire::RequestHeader request;
  request.mutable_delete_topic()->set_name(std::move(name));
  return Ask<absl::Status>(core_, std::move(request), [](CallReply reply) -> absl::Status {
    if (reply.repeated && CodeOf(reply.header.status()) == ErrorCode::kUnknownTopic) return absl::OkStatus();
    return reply.header.status();
  });
}

Future<absl::StatusOr<TopicDescription>> Admin::DescribeTopic(std::string name) const {
  return DescribeTopicPages(core_, std::move(name));
}

Future<absl::StatusOr<uint32_t>> Admin::AlterTopic(TopicUpdate update) const {
  wire::RequestHeader request;
  wire::AlterTopicRequest* body = request.mutable_alter_topic();
  body->set_name(std::move(update.name));
  AddSettings(update.set, body->mutable_set());
  for (std::string& name : update.reset) body->add_reset(std::move(name));
  body->set_partition_count(update.partitions);
  body->set_validate_only(update.validate_only);
  return Ask<absl::StatusOr<uint32_t>>(core_, std::move(request),
                                       [](CallReply reply) -> absl::StatusOr<uint32_t> {
                                         if (!reply.header.ok()) return reply.header.status();
                                         if (!(*reply.header)->has_alter_topic()) return WrongReply();
                                         return (*reply.header)->alter_topic().partition_count();
                                       });
}

Future<absl::StatusOr<std::vector<TopicSummary>>> Admin::ListTopics(bool include_internal) const {
  return ListTopicPages(core_, include_internal);
}

Future<absl::StatusOr<std::vector<absl::StatusOr<OffsetReply>>>> Admin::ListOffsets(
    std::vector<OffsetQuestion> questions) const {
  return AskOffsets(core_, std::move(questions));
}

Future<absl::StatusOr<ServerDescription>> Admin::DescribeServer(bool metrics, bool settings) const {
  wire::RequestHeader request;
  request.mutable_server_info()->set_include_metrics(metrics);
  request.mutable_server_info()->set_include_settings(settings);
  return Ask<absl::StatusOr<ServerDescription>>(core_, std::move(request),
                                                [](CallReply reply) -> absl::StatusOr<ServerDescription> {
                                                  if (!reply.header.ok()) return reply.header.status();
                                                  if (!(*reply.header)->has_server_info())
                                                    return WrongReply();
                                                  return FromWire((*reply.header)->server_info());
                                                });
}

}  // namespace leat
