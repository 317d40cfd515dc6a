#pragma once

#include <memory>
#include <string>

#include "protocol/record/mutex.h"
#include "storage/env/file_system.h"

namespace leat {

// Disk blocks kept back in an empty file, so that a topic can be deleted, and the store opened and closed,
// when the disk is full. Any thread.
class DiskReserve {
 public:
  static constexpr uint64_t kBytes = 256 * 1024;

  // The file is `dir`/reserve.
  DiskReserve(FileSystem& fs, const std::string& dir) : fs_(fs), dir_(dir), path_(dir + "/reserve") {}

  // Takes the blocks unless it has them; without effect while there is no room.
  void Hold();
  // Gives them back to the disk.
  void Release();
  // After Release() and what it was for: takes what is left of them, however little room there is.
  void TakeBack();

 private:
  static constexpr uint64_t kRoomFactor = 8;
  static constexpr uint64_t kLeastBytes = 16 * 1024;

  bool Take(uint64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  FileSystem& fs_;
  const std::string dir_;
  const std::string path_;
  Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leat
