#include "storage/disk_reserve.h"

namespace leat {

void DiskReserve::Hold() {
  MutexLock lock(mutex_);
  if (held_) return;
  // Appends come first when there is little room.
  const absl::StatusOr<uint64_t> room = fs_.FreeSpace(dir_);
  if (!room.ok() || *room < kRoomFactor * kBytes) return;
  held_ = Take(kBytes);
}

bool DiskReserve::Take(uint64_t bytes) {
  absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path_, OpenMode::kReadWrite);
  if (absl::IsNotFound(file.status())) file = fs_.Open(path_, OpenMode::kCreateNew);
  return file.ok() && (*file)->Reserve(bytes).ok();
}

void DiskReserve::Release() {
  MutexLock lock(mutex_);
  held_ = false;
  // Whether it worked is seen by what the caller tries next.
  fs_.Remove(path_).IgnoreError();
}

void DiskReserve::TakeBack() {
  MutexLock lock(mutex_);
  // Not held: when there is room again, Hold() takes all of it.
  for (uint64_t bytes = kBytes; bytes >= kLeastBytes; bytes /= 2) {
    if (Take(bytes)) return;
  }
}

}  // namespace leat
