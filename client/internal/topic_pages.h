#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/admin.h"
#include "client/future.h"
#include "client/internal/client_core.h"

namespace leat {

// See Admin::ListTopics and Admin::DescribeTopic. In as many requests as the lists take. Any thread.
Future<absl::StatusOr<std::vector<TopicSummary>>> ListTopicPages(const std::shared_ptr<ClientCore>& core,
                                                                 bool include_internal);
Future<absl::StatusOr<TopicDescription>> DescribeTopicPages(const std::shared_ptr<ClientCore>& core,
                                                            std::string name);

}  // namespace leat
