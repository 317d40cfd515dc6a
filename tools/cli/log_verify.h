#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/env/file_system.h"
#include "storage/meta/checkpoint.h"
#include "tools/cli/log_finding.h"
#include "tools/cli/verify_segment.h"

namespace leat {

// Checks a data directory, or one partition's directory, without changing anything: every batch and record,
// indexes, how segments follow each other, the metadata log, the checkpoint, and that every topic has its
// directories. One thread.
class LogVerifier {
 public:
  // `on_partition` is told before each partition is read, for progress.
  LogVerifier(FileSystem& fs, std::function<void(const std::string& dir)> on_partition)
      : fs_(fs), on_partition_(std::move(on_partition)) {}

  // Errors: nothing there, nothing of ours, I/O errors. Damage is no error, but a finding.
  absl::StatusOr<LogVerdict> Verify(const std::string& path);

 private:
  absl::Status VerifyDataDirectory(const std::string& root);
  absl::Status VerifyTopics(const std::string& root, const MetadataState& metadata,
                            const CheckpointReading& reading);
  absl::Status VerifyOnePartition(const std::string& dir);
  absl::Status VerifyPartition(const std::string& dir, const PartitionPromise& promise, Offset log_start);
  CheckpointReading VerifyCheckpointFile(const std::string& root, const std::string& data_id);

  FileSystem& fs_;
  std::function<void(const std::string& dir)> on_partition_;
  LogVerdict verdict_;
};

}  // namespace leat
