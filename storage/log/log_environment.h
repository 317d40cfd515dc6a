#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "storage/env/clock.h"
#include "storage/env/executor.h"
#include "storage/env/file_system.h"
#include "storage/log/partition_log.h"

namespace leat {

class FilePool;
class SegmentedLog;

// Where logs ask for a commit. Implemented by the committer.
class CommitSink {
 public:
  virtual ~CommitSink() = default;
  // `log` has bytes to make durable. Any thread, under no lock of the log, must not block. A log asks at most
  // once for each urgency until its BeginCommit is called, which takes everything written up to then.
  virtual void RequestCommit(std::shared_ptr<SegmentedLog> log, CommitUrgency urgency) = 0;
};

// What all logs of a store count together. Any thread.
struct LogCounters {
  std::atomic<uint64_t> appended_batches{0};
  std::atomic<uint64_t> appended_bytes{0};
  std::atomic<uint64_t> segments_rolled{0};
  std::atomic<uint64_t> indexes_rebuilt{0};
  std::atomic<uint64_t> disk_full_errors{0};
};

// What a log needs from its store. Everything outlives the log, but `background` may be stopped before it.
struct LogEnvironment {
  FileSystem& fs;
  Clock& clock;
  FilePool& files;
  Executor& background;
  CommitSink& commits;
  LogCounters& counters;
};

}  // namespace leat
