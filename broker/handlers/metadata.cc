#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "broker/handlers/auto_create.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/handlers/wire_topic.h"
#include "broker/request_table.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

struct Question {
  std::vector<std::string> topics;
  bool include_internal = false;
  uint32_t max_topics = 0;
  std::string after_topic;
};

// A page ends early when its bytes do not fit a reply, so that there is a page for any names and limits.
void FillPage(const LogStore& store, const Question& question, wire::MetadataResponse* body) {
  size_t bytes = 0;
  for (const TopicPtr& topic : store.Topics()) {
    if (topic->name <= question.after_topic) continue;
    if (!question.include_internal && topic->internal()) continue;
    const bool full = bytes > kPageBytes || body->topics_size() == static_cast<int64_t>(question.max_topics);
    if (question.max_topics > 0 && full) return body->set_more(true);
    FillTopic(*topic, body->add_topics());
    bytes += body->topics().rbegin()->ByteSizeLong();
  }
}

// `created` is the error of creating the topics that were missing.
void Answer(Responder responder, const Question& question, const absl::Status& created) {
  const LogStore& store = responder.broker().store();
  wire::ResponseHeader reply;
  wire::MetadataResponse& body = *reply.mutable_metadata();
  if (question.topics.empty()) FillPage(store, question, &body);
  bool suggest = true;
  for (const std::string& name : question.topics) {
    wire::TopicMetadata* out = body.add_topics();
    if (const TopicPtr topic = store.FindTopic(name)) {
      FillTopic(*topic, out);
      continue;
    }
    const absl::Status status =
        created.ok() ? UnknownTopic(store, name, std::exchange(suggest, false)) : created;
    responder.broker().metrics().CountError(CodeOf(status));
    out->set_name(name);
    ToWire(status, out->mutable_error());
  }
  responder.Send(reply);
}

}  // namespace

void HandleMetadata(Request& request) {
  const wire::MetadataRequest& metadata = request.header.metadata();
  Broker& broker = request.responder.broker();
  Question question{{metadata.topics().begin(), metadata.topics().end()},
                    metadata.include_internal(),
                    metadata.max_topics(),
                    metadata.after_topic()};
  std::vector<std::string> missing;
  if (metadata.create_missing()) missing = MissingTopics(broker, question.topics);
  if (missing.empty()) return Answer(std::move(request.responder), question, absl::OkStatus());
  CreateMissing(std::move(request.responder), std::move(missing),
                [question = std::move(question)](Responder responder, const absl::Status& created) {
                  Answer(std::move(responder), question, created);
                });
}

}  // namespace leat
