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
};

// `created` is the error of creating the topics that were missing.
void Answer(Responder responder, const Question& question, const absl::Status& created) {
  const LogStore& store = responder.broker().store();
  wire::ResponseHeader reply;
  wire::MetadataResponse& body = *reply.mutable_metadata();
  if (question.topics.empty()) {
    for (const TopicPtr& topic : store.Topics()) {
      if (question.include_internal || !topic->internal()) FillTopic(*topic, body.add_topics());
    }
  }
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
  Question question{{metadata.topics().begin(), metadata.topics().end()}, metadata.include_internal()};
  std::vector<std::string> missing;
  if (metadata.create_missing()) missing = MissingTopics(broker, question.topics);
  if (missing.empty()) return Answer(std::move(request.responder), question, absl::OkStatus());
  CreateMissing(std::move(request.responder), std::move(missing),
                [question = std::move(question)](Responder responder, const absl::Status& created) {
                  Answer(std::move(responder), question, created);
                });
}

}  // namespace leat
