#pragma once

#include <memory>
#include <string>

#include "protocol/record/mutex.h"
#include "storage/env/file_system.h"

namespace leat {

// Disk blocks kept back in an empty file, so that a topic can be deleted when the disk is full. Any thread.
class DiskReserve {
 public:
  static constexpr uint64_t kBytes = 256 * 1024;

  // The file is `dir`/reserve.
  DiskReserve(FileSystem& fs, const std::string& dir) : fs_(fs), dir_(dir), path_(dir + "/reserve") {}

  // Takes the blocks unless it has them; without effect while there is no room.
  void Hold();
  // Gives them back to the disk.
  void Release();

 private:
  static constexpr uint64_t kRoomFactor = 8;

  FileSystem& fs_;
  const std::string dir_;
  const std::string path_;
  Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace leat
