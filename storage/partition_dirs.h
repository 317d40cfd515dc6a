#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/env/file_system.h"
#include "storage/meta/layout.h"
#include "storage/meta/metadata_records.h"
#include "storage/topic_table.h"

// Partition directories: made before the metadata log names them, out of the way after it has forgotten them
// (durability-rules R20, storage/FORMAT.md "Directories").

namespace leat {

struct PartitionPlan {
  std::string topic;
  uint32_t first_partition = 0;  // the others follow
  IdRange ids;
  int32_t leader_epoch = 0;
  std::shared_ptr<const TopicConfig> config;
};

// Makes the directories with an empty segment in each; SyncPartitions must follow. After an error nothing is
// left but, at worst, directories without records, which the next start sweeps.
absl::StatusOr<LogList> CreatePartitions(const StorePaths& paths, const PartitionPlan& plan,
                                         const LogEnvironment& env);

// Makes all names of new partitions durable. kLimitExceeded: not all directories could be opened, and nothing
// is lost. Any other error is final, as one of any sync.
absl::Status SyncPartitions(FileSystem& fs, const StorePaths& paths, const LogList& logs);

// Takes away what CreatePartitions made and nobody has used.
void DiscardPartitions(FileSystem& fs, const StorePaths& paths, const PartitionPlan& plan);

// The directories whose names a deletion changes. To be opened before the metadata log forgets the topic:
// there is no way back then.
struct RetirementDirs {
  std::unique_ptr<Directory> topics;
  std::unique_ptr<Directory> deleted;
};
absl::StatusOr<RetirementDirs> OpenRetirementDirs(FileSystem& fs, const StorePaths& paths);

// Renames the directories of deleted partitions to deleted/<id> and makes that durable: their names are free
// then. After an error they are not, until the next start has swept them.
absl::Status RetirePartitions(FileSystem& fs, const StorePaths& paths, const RetirementDirs& dirs,
                              const LogList& logs);

// True when a segment file below `dir` has any byte.
absl::StatusOr<bool> HoldsRecords(FileSystem& fs, const std::string& dir);

}  // namespace leat
