#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "protocol/record/mutex.h"
#include "storage/log/segmented_log.h"
#include "storage/log_store.h"

namespace leat {

using LogList = std::vector<std::shared_ptr<SegmentedLog>>;

// The topics that exist right now, for everybody who looks one up. Any thread; changed by the topic
// operations only.
class TopicTable {
 public:
  TopicPtr Find(absl::string_view name) const;
  std::vector<TopicPtr> All() const;  // by name
  LogList Logs() const;               // of all topics
  LogList LogsOf(absl::string_view name) const;

  // Adds the topic or replaces the one of its name. `logs` are its partitions.
  void Put(TopicPtr topic, LogList logs);
  void Remove(absl::string_view name);

 private:
  struct Entry {
    TopicPtr topic;
    LogList logs;
  };
  mutable Mutex mutex_;
  absl::flat_hash_map<std::string, Entry> topics_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leat
