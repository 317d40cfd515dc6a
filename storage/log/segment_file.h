#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"
#include "protocol/record/mutex.h"
#include "storage/log/file_pool.h"

namespace leat {

// The .log file of one segment: its descriptor, how much of it is written and synced, and its sticky failure
// (durability-rules R7: result and failure of a sync are recorded under one lock, which is looked at before
// any acknowledgement; a file with unsynced bytes is never closed). Any thread, except where said.
class SegmentFile {
 public:
  // A file that is there and synced. Opens nothing yet.
  SegmentFile(FilePool& pool, std::string path, Offset base);
  // The same with the file already open.
  SegmentFile(FilePool& pool, std::string path, Offset base, std::shared_ptr<File> opened);

  Offset base() const { return base_; }
  const std::string& path() const { return file_.path(); }

  // The open file, for reading. It stays open as long as somebody holds it.
  [[nodiscard]] absl::StatusOr<std::shared_ptr<File>> Open() { return pool_.Get(file_); }

  // Opens the file for the one Write that must follow, and keeps it open until a sync covers that write. Door
  // of the log only.
  [[nodiscard]] absl::Status Hold();
  // Writes at `position`, the end of what is written, to a file that is held. On an error any prefix may be
  // there. Door of the log only.
  [[nodiscard]] absl::Status Write(uint64_t position, absl::string_view bytes);
  // Removes what a failed Write left above `position`. Door of the log only.
  [[nodiscard]] absl::Status CutBack(uint64_t position);

  // Makes what is written durable. One sync at a time; a second caller waits and then syncs what is left. A
  // failure is final (D7): every later call returns it without touching the file.
  [[nodiscard]] absl::Status Sync();

  // The recorded failure of a sync, or OK.
  [[nodiscard]] absl::Status failure() const;
  bool has_unsynced() const;

 private:
  FilePool& pool_;
  PooledFile file_;
  const Offset base_;
  mutable Mutex mutex_;
  CondVar sync_ended_;
  bool syncing_ ABSL_GUARDED_BY(mutex_) = false;
  // Numbers of writes. A sync covers those that had ended when it began, and no other.
  uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t synced_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<File> held_ ABSL_GUARDED_BY(mutex_);  // set while begun_ != synced_
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leat
