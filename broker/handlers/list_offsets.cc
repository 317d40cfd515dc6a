#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/offload.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/request_table.h"
#include "broker/session.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

constexpr int64_t kNoTimestamp = -1;

absl::StatusOr<TimestampedOffset> FindPosition(const PartitionLog& log,
                                               wire::OffsetQuery::Position position) {
  switch (position) {
    case wire::OffsetQuery::START:
      return TimestampedOffset{log.marks().log_start, kNoTimestamp};
    case wire::OffsetQuery::END:
      return TimestampedOffset{log.visible_offset(), kNoTimestamp};
    case wire::OffsetQuery::DURABLE:
      return TimestampedOffset{log.marks().durable, kNoTimestamp};
    default:
      return MakeError(ErrorCode::kInvalidRequest, absl::StrCat("unknown position ", position));
  }
}

absl::StatusOr<TimestampedOffset> FindTimestamp(PartitionLog& log, int64_t timestamp_ms) {
  // Read first: records that become visible during the scan are then not skipped.
  const Offset visible = log.visible_offset();
  const absl::StatusOr<std::optional<TimestampedOffset>> found = log.FindTimestamp(timestamp_ms);
  if (!found.ok()) return found.status();
  return found->has_value() ? **found : TimestampedOffset{visible, kNoTimestamp};
}

// The answers of one request, in its order. Searches by time go to the io executor one by one: those of other
// requests get their turn in between, and the rest is spared when the connection ends.
class OffsetLister : public std::enable_shared_from_this<OffsetLister> {
 public:
  OffsetLister(Broker& broker, wire::ListOffsetsRequest list) : broker_(broker), list_(std::move(list)) {
    reply_.mutable_list_offsets();
  }

  // Goes on until something has to be searched for, or all is answered.
  void Run(Responder responder) {
    PartitionFinder finder(broker_.store());
    while (next_ < list_.queries_size()) {
      if (responder.session().closed()) return responder.Forget();
      const wire::OffsetQuery& query = list_.queries(next_++);
      absl::StatusOr<std::shared_ptr<PartitionLog>> log = finder.Find(query.topic(), query.partition());
      if (!log.ok()) {
        AddAnswer(log.status());
      } else if (query.position() == wire::OffsetQuery::TIMESTAMP) {
        return Search(std::move(responder), *std::move(log), query.timestamp_ms());
      } else {
        AddAnswer(FindPosition(**log, query.position()));
      }
    }
    responder.Send(reply_);
  }

 private:
  void Search(Responder responder, std::shared_ptr<PartitionLog> log, int64_t timestamp_ms) {
    Offload(
        broker_.io(), std::move(responder),
        [log = std::move(log), timestamp_ms] { return FindTimestamp(*log, timestamp_ms); },
        [self = shared_from_this()](Responder home, const absl::StatusOr<TimestampedOffset>& found) {
          self->AddAnswer(found);
          self->Run(std::move(home));
        });
  }

  void AddAnswer(const absl::StatusOr<TimestampedOffset>& position) {
    wire::OffsetAnswer* answer = reply_.mutable_list_offsets()->add_answers();
    if (position.ok()) {
      answer->set_offset(position->offset);
      answer->set_timestamp_ms(position->timestamp_ms);
    } else {
      broker_.metrics().CountError(CodeOf(position.status()));
      ToWire(position.status(), answer->mutable_error());
    }
  }

  Broker& broker_;
  const wire::ListOffsetsRequest list_;
  int next_ = 0;  // of the queries
  wire::ResponseHeader reply_;
};

}  // namespace

void HandleListOffsets(Request& request) {
  std::make_shared<OffsetLister>(request.responder.broker(), request.header.list_offsets())
      ->Run(std::move(request.responder));
}

}  // namespace leat
