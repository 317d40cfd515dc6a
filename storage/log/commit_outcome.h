#pragma once

#include <memory>

#include "absl/status/status.h"
#include "storage/log/marks.h"

namespace leat {

class PartitionLog;

// One partition's news after a commit group.
struct CommitOutcome {
  std::shared_ptr<PartitionLog> log;
  OffsetMarks marks;
  Offset visible = 0;
  absl::Status status;  // an error: nothing above marks.durable will become durable, waiters get this
};

}  // namespace leat
