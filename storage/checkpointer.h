#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "protocol/record/mutex.h"
#include "storage/env/executor.h"
#include "storage/journal/journal.h"
#include "storage/log/segmented_log.h"
#include "storage/meta/checkpoint.h"
#include "storage/topic_table.h"

namespace leat {

// Writes `meta/checkpoint`: some time after commits, and when asked. Any thread.
class Checkpointer {
 public:
  struct Parts {
    FileSystem& fs;
    std::string meta_dir;
    std::string data_id;
    const TopicTable& table;
    std::shared_ptr<const SegmentedLog> metadata_log;
    Journal& journal;
    Executor& background;
    absl::Duration interval;
    // Called on the background executor when one could not be written for a reason that does not pass.
    std::function<void(const absl::Status&)> on_failure;
  };
  // `sequence` is that of the last checkpoint in the directory.
  Checkpointer(Parts parts, uint64_t sequence) : parts_(std::move(parts)), sequence_(sequence) {}

  // There is something that the last checkpoint does not tell: one follows within the interval, or soon.
  void Note() { Arm(parts_.interval); }
  void NoteUrgent();

  // Writes one now, and lets go of what the journal need not keep any more; blocks. After a clean one no
  // other is written.
  [[nodiscard]] absl::Status Write(bool clean);

  // No timer writes one from now on.
  void Stop();

  uint64_t written() const { return written_.load(std::memory_order_relaxed); }

 private:
  void Arm(absl::Duration delay);
  void OnTimer();
  Checkpoint Collect();

  const Parts parts_;
  std::atomic<uint64_t> written_{0};
  Mutex write_mutex_;  // one writer at a time, so that a later checkpoint never tells less
  uint64_t sequence_ ABSL_GUARDED_BY(write_mutex_);
  bool closed_ ABSL_GUARDED_BY(write_mutex_) = false;
  Mutex mutex_;
  bool armed_ ABSL_GUARDED_BY(mutex_) = false;
  bool urgent_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leat
