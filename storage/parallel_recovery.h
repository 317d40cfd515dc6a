#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/env/executor.h"
#include "storage/env/file_system.h"
#include "storage/log/recovery.h"

namespace leat {

// RecoverPartition of each input, some at the same time, because syncs of different files overlap well; the
// results in the order of the inputs, or the first error. Blocks; not from a task of the runtime's executors.
absl::StatusOr<std::vector<RecoveredPartition>> RecoverPartitions(FileSystem& fs, Runtime& runtime,
                                                                  absl::Span<const RecoveryInput> inputs);

}  // namespace leat
