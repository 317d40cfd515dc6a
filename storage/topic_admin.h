#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "protocol/record/mutex.h"
#include "storage/disk_reserve.h"
#include "storage/log_store.h"
#include "storage/meta/layout.h"
#include "storage/meta/metadata_log.h"
#include "storage/partition_dirs.h"
#include "storage/topic_rules.h"
#include "storage/topic_table.h"

namespace leat {

// Creates, alters and deletes topics, one operation at a time, such that a crash at any point leaves a topic
// whole or gone: directories before the metadata record that names them, and out of the way after the one
// that forgets them. Any thread that may block on the disk.
class TopicAdmin {
 public:
  struct Parts {
    const StoreOptions& options;
    const StorePaths& paths;
    const LogEnvironment& env;
    TopicTable& table;
    DiskReserve& reserve;
    int32_t leader_epoch = 0;
  };
  TopicAdmin(const Parts& parts, std::unique_ptr<MetadataLog> metadata);

  absl::StatusOr<TopicPtr> Create(const TopicSpec& spec);
  absl::StatusOr<TopicPtr> Alter(absl::string_view name, const TopicChange& change);
  // The logs of the deleted topic, whose directories are in deleted/ now.
  absl::StatusOr<LogList> Delete(absl::string_view name);
  absl::Status ValidateCreate(const TopicSpec& spec) const;
  absl::Status ValidateAlter(absl::string_view name, const TopicChange& change) const;

  // Refuses everything from now on, after what is running.
  absl::Status Close();
  // The failure of a sync, after which everything is refused, or OK.
  absl::Status failure() const;

 private:
  absl::Status CheckOpen() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Record(const MetadataRecord& record) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes partitions durable on disk and then records what names them.
  absl::StatusOr<LogList> AddPartitions(const PartitionPlan& plan, const MetadataRecord& record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Fail(const absl::Status& cause) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Parts parts_;
  mutable Mutex mutex_;
  std::unique_ptr<MetadataLog> metadata_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

// A topic over its logs.
TopicPtr MakeTopic(const TopicMetadata& metadata, const ResolvedSettings& settings, const LogList& logs);

}  // namespace leat
