#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "broker/broker.h"
#include "broker/handlers/fetch_poll.h"
#include "broker/handlers/handlers.h"
#include "broker/request_table.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

// A second entry of a partition would give the same batches again, and cost as much each time that it has
// news.
absl::Status CheckDistinct(const wire::FetchRequest& fetch) {
  absl::flat_hash_set<std::pair<absl::string_view, uint32_t>> seen;
  seen.reserve(static_cast<size_t>(fetch.partitions_size()));
  for (const wire::FetchPartition& entry : fetch.partitions()) {
    if (seen.emplace(entry.topic(), entry.partition()).second) continue;
    return MakeError(
        ErrorCode::kInvalidRequest,
        absl::StrCat("partition ", entry.partition(), " of topic \"", entry.topic().substr(0, 249),
                     "\" stands twice in the fetch request; name each partition once"));
  }
  return absl::OkStatus();
}

}  // namespace

void HandleFetch(Request& request) {
  const wire::FetchRequest& fetch = request.header.fetch();
  if (fetch.partitions_size() == 0) {
    return request.responder.Fail(
        MakeError(ErrorCode::kInvalidRequest, "a fetch request needs at least one partition"));
  }
  if (absl::Status status = CheckDistinct(fetch); !status.ok()) return request.responder.Fail(status);
  std::make_shared<FetchPoll>(std::move(request.responder), fetch)->Start();
}

}  // namespace leat
