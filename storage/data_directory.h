#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/meta/format_file.h"
#include "storage/meta/layout.h"
#include "storage/meta/metadata_log.h"

namespace leat {

// A directory that is this process's to change.
struct DataDirectory {
  std::unique_ptr<FileLock> lock;
  bool set_up = false;  // `format` is there
  FormatInfo format;    // when it is
};

// Makes the directory when it is missing, checks what it holds and locks it. Errors, having changed nothing:
// kUnsupportedFormat, kDirectoryLocked, kStorageError.
absl::StatusOr<DataDirectory> LockDataDirectory(FileSystem& fs, const StorePaths& paths);

// Sets up a locked directory without `format`, or goes on where a former attempt ended: directories, an empty
// metadata log, a checkpoint, and `format` last. The ids come from `seed`; 0 takes one from the system.
absl::StatusOr<FormatInfo> SetUpDataDirectory(const StorePaths& paths, const MetadataLog::Environment& env,
                                              uint64_t seed);

}  // namespace leat
