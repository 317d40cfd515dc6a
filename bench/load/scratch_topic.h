#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/load/connection.h"
#include "bench/load/target.h"
#include "bench/load/undo.h"

namespace leat {

struct TopicSpec {
  std::string name;
  uint32_t partitions = 1;
  bool recreate = false;  // delete one of this name, with all its records, instead of refusing
};

// A topic that a run makes for itself and deletes at its end, also when a signal ends it. (On a broker of our
// own it goes with the broker.) Used by the main thread.
class ScratchTopic {
 public:
  // kTopicExists, with the remedy, when there is one already and it is not to be deleted.
  static absl::StatusOr<std::unique_ptr<ScratchTopic>> Create(const Target& target, TopicSpec spec);
  ~ScratchTopic();

 private:
  ScratchTopic(const Target& target, TopicSpec spec);
  absl::Status CreateNow();
  void Delete();

  const std::string address_;
  const TopicSpec spec_;
  const bool goes_with_broker_;
  std::mutex mutex_;  // a signal deletes from a thread of its own
  bool exists_ = false;
  std::optional<UndoGuard> undo_;
};

// How many records the topic holds: up to its durable offsets, or to its end offsets.
absl::StatusOr<int64_t> CountRecords(Connection& connection, const std::string& topic, bool durable);

}  // namespace leat
