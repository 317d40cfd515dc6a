#pragma once

#include <string>

#include "absl/status/status.h"
#include "storage/env/file_system.h"
#include "tools/cli/log_files.h"
#include "tools/cli/log_printer.h"

namespace leat {

// Shows files of a data directory, changing nothing. Damage is shown where it is found and what can be read
// behind it too. One thread.
class LogDump {
 public:
  LogDump(FileSystem& fs, bool records, LogPrinter* printer)
      : fs_(fs), records_(records), printer_(printer) {}

  // Everything at `path`. Errors: nothing there, nothing of ours, unreadable.
  absl::Status Dump(const std::string& path);

  // Whether something was not as it should be.
  bool found_problems() const { return problems_ > 0; }

 private:
  absl::Status DumpDataDirectory(const std::string& root);
  absl::Status DumpPartition(const std::string& dir);
  absl::Status DumpLog(const std::string& path);
  absl::Status DumpBatches(const File& file, Offset base, uint64_t size);
  absl::Status DumpRecords(const File& file, const ScannedBatch& batch);
  template <typename Entry>
  absl::Status DumpIndex(const std::string& path, void (LogPrinter::*print)(const Entry&));
  absl::Status DumpFormat(const std::string& path);
  absl::Status DumpCheckpoint(const std::string& path);
  void Problem(const std::string& text, int64_t position = -1);

  FileSystem& fs_;
  bool records_;
  LogPrinter* printer_;
  uint64_t problems_ = 0;
  // Of the log file that is being shown.
  std::string topic_;
  int32_t partition_ = 0;
};

// "orders-3" as topic and partition; nothing for other names.
bool ParsePartitionDirName(const std::string& name, std::string* topic, int32_t* partition);

}  // namespace leat
