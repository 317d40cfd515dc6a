#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/read_error.h"
#include "protocol/record/error.h"

namespace leat {

// The error of a place that cannot be read. Without `end` it is not known where reading can go on.
absl::Status UnreadableError(ErrorCode code, const TopicPartition& partition, Offset begin,
                             std::optional<Offset> end, absl::string_view cause);

// Makes PartitionOf(*status) give `partition`.
void SetPartition(const TopicPartition& partition, absl::Status* status);

}  // namespace leat
