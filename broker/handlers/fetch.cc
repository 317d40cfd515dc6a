#include <memory>
#include <utility>

#include "broker/broker.h"
#include "broker/handlers/fetch_poll.h"
#include "broker/handlers/handlers.h"
#include "broker/handlers/topic_lookup.h"
#include "broker/request_table.h"
#include "protocol/record/error.h"

namespace leat {

void HandleFetch(Request& request) {
  const wire::FetchRequest& fetch = request.header.fetch();
  if (fetch.partitions_size() == 0) {
    return request.responder.Fail(
        MakeError(ErrorCode::kInvalidRequest, "a fetch request needs at least one partition"));
  }
  const Config& config = request.responder.broker().config();
  if (absl::Status status = CheckEntries(config, fetch.partitions_size()); !status.ok()) {
    return request.responder.Fail(status);
  }
  std::make_shared<FetchPoll>(std::move(request.responder), fetch)->Start();
}

}  // namespace leat
