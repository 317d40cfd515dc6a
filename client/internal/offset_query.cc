#include "client/internal/offset_query.h"

#include <utility>

#include "client/internal/caller.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

wire::OffsetQuery::Position PositionOf(OffsetQuestion::Kind kind) {
  switch (kind) {
    case OffsetQuestion::Kind::kStart:
      return wire::OffsetQuery::START;
    case OffsetQuestion::Kind::kEnd:
      return wire::OffsetQuery::END;
    case OffsetQuestion::Kind::kDurable:
      return wire::OffsetQuery::DURABLE;
    case OffsetQuestion::Kind::kTime:
      break;
  }
  return wire::OffsetQuery::TIMESTAMP;
}

absl::StatusOr<OffsetReplies> ReadReplies(const CallReply& reply, size_t asked) {
  if (!reply.header.ok()) return reply.header.status();
  const wire::ListOffsetsResponse& response = (*reply.header)->list_offsets();
  if (static_cast<size_t>(response.answers_size()) != asked) {
    return MakeError(ErrorCode::kUnknown, "the broker's reply does not fit the request");
  }
  OffsetReplies replies;
  for (const wire::OffsetAnswer& answer : response.answers()) {
    if (absl::Status error = FromWire(answer.error()); !error.ok()) {
      replies.emplace_back(std::move(error));
    } else {
      replies.emplace_back(OffsetReply{answer.offset(), answer.timestamp_ms()});
    }
  }
  return replies;
}

}  // namespace

Future<absl::StatusOr<OffsetReplies>> AskOffsets(const std::shared_ptr<ClientCore>& core,
                                                 const std::vector<OffsetQuestion>& questions) {
  wire::RequestHeader request;
  wire::ListOffsetsRequest* body = request.mutable_list_offsets();
  for (const OffsetQuestion& question : questions) {
    wire::OffsetQuery* query = body->add_queries();
    query->set_topic(question.partition.topic);
    query->set_partition(static_cast<uint32_t>(question.partition.partition));
    query->set_position(PositionOf(question.kind));
    query->set_timestamp_ms(question.timestamp_ms);
  }
  Promise<absl::StatusOr<OffsetReplies>> promise;
  Future<absl::StatusOr<OffsetReplies>> future = promise.GetFuture();
  CallWithRetry(core, std::move(request), After(MonotonicNow(), core->options().operation_timeout),
                [promise = std::move(promise), asked = questions.size()](CallReply reply) mutable {
                  promise.Set(ReadReplies(reply, asked));
                });
  return future;
}

}  // namespace leat
