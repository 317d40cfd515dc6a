#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "client/admin.h"
#include "client/future.h"
#include "client/internal/client_core.h"

namespace leat {

using OffsetReplies = std::vector<absl::StatusOr<OffsetReply>>;

// See Admin::ListOffsets. In as many requests as the broker's limits ask for. Any thread.
Future<absl::StatusOr<OffsetReplies>> AskOffsets(const std::shared_ptr<ClientCore>& core,
                                                 std::vector<OffsetQuestion> questions);

}  // namespace leat
