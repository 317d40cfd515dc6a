#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/offload.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/request_table.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

absl::StatusOr<TimestampedOffset> FindPosition(PartitionLog& log, const wire::OffsetQuery& query) {
  constexpr int64_t kNoTimestamp = -1;
  switch (query.position()) {
    case wire::OffsetQuery::START:
      return TimestampedOffset{log.marks().log_start, kNoTimestamp};
    case wire::OffsetQuery::END:
      return TimestampedOffset{log.visible_offset(), kNoTimestamp};
    case wire::OffsetQuery::DURABLE:
      return TimestampedOffset{log.marks().durable, kNoTimestamp};
    case wire::OffsetQuery::TIMESTAMP: {
      // Read first: records that become visible during the scan are then not skipped.
      const Offset visible = log.visible_offset();
      absl::StatusOr<std::optional<TimestampedOffset>> found = log.FindTimestamp(query.timestamp_ms());
      if (!found.ok()) return found.status();
      return found->has_value() ? **found : TimestampedOffset{visible, kNoTimestamp};
    }
    default:
      return MakeError(ErrorCode::kInvalidRequest, absl::StrCat("unknown position ", query.position()));
  }
}

wire::ResponseHeader Answer(Broker& broker, const wire::ListOffsetsRequest& request) {
  wire::ResponseHeader reply;
  PartitionFinder finder(broker.store());
  for (const wire::OffsetQuery& query : request.queries()) {
    wire::OffsetAnswer* answer = reply.mutable_list_offsets()->add_answers();
    const absl::StatusOr<std::shared_ptr<PartitionLog>> log = finder.Find(query.topic(), query.partition());
    const absl::StatusOr<TimestampedOffset> position =
        log.ok() ? FindPosition(**log, query) : absl::StatusOr<TimestampedOffset>(log.status());
    if (position.ok()) {
      answer->set_offset(position->offset);
      answer->set_timestamp_ms(position->timestamp_ms);
    } else {
      broker.metrics().CountError(CodeOf(position.status()));
      ToWire(position.status(), answer->mutable_error());
    }
  }
  reply.mutable_list_offsets();
  return reply;
}

}  // namespace

void HandleListOffsets(Request& request) {
  const wire::ListOffsetsRequest& list = request.header.list_offsets();
  Broker& broker = request.responder.broker();
  if (absl::Status status = CheckEntries(broker.config(), list.queries_size()); !status.ok()) {
    return request.responder.Fail(status);
  }
  bool scans = false;
  for (const wire::OffsetQuery& query : list.queries()) {
    scans = scans || query.position() == wire::OffsetQuery::TIMESTAMP;
  }
  if (!scans) {
    wire::ResponseHeader reply = Answer(broker, list);
    return request.responder.Send(reply);
  }
  Offload(
      broker.io(), std::move(request.responder), [&broker, list] { return Answer(broker, list); },
      [](Responder responder, wire::ResponseHeader reply) { responder.Send(reply); });
}

}  // namespace leat
