#include "storage/log/segment_file.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {

SegmentFile::SegmentFile(FilePool& pool, std::string path, Offset base)
    : pool_(pool), file_(pool, std::move(path)), base_(base) {}

SegmentFile::SegmentFile(FilePool& pool, std::string path, Offset base, std::shared_ptr<File> opened)
    : SegmentFile(pool, std::move(path), base) {
  pool_.Put(file_, std::move(opened));
}

absl::Status SegmentFile::Hold() {
  MutexLock lock(mutex_);
  if (!failure_.ok()) return failure_;
  if (held_ == nullptr) {
    absl::StatusOr<std::shared_ptr<File>> opened = pool_.Get(file_);
    if (!opened.ok()) return opened.status();
    held_ = *std::move(opened);
  }
  ++begun_;  // from here on no sync lets go of the file
  return absl::OkStatus();
}

absl::Status SegmentFile::Write(uint64_t position, absl::string_view bytes) {
  File* file = nullptr;
  {
    MutexLock lock(mutex_);
    file = held_.get();
  }
  const absl::Status status = file->WriteAt(position, absl::MakeConstSpan(&bytes, 1));
  MutexLock lock(mutex_);
  ++ended_;  // a failed write may have left bytes too
  return status;
}

absl::Status SegmentFile::CutBack(uint64_t position) {
  std::shared_ptr<File> file;
  {
    MutexLock lock(mutex_);
    if (!failure_.ok()) return failure_;
    file = held_;
  }
  if (file == nullptr) {
    absl::StatusOr<std::shared_ptr<File>> opened = pool_.Get(file_);
    if (!opened.ok()) return opened.status();
    file = *std::move(opened);
  }
  return file->Truncate(position);
}

absl::Status SegmentFile::Sync() {
  std::shared_ptr<File> file;
  uint64_t upto = 0;
  {
    MutexLock lock(mutex_);
    while (syncing_) sync_ended_.Wait(mutex_);
    if (!failure_.ok()) return failure_;
    if (begun_ == synced_) return absl::OkStatus();
    syncing_ = true;
    upto = ended_;
    file = held_;
  }
  const absl::Status status = file->Sync();
  MutexLock lock(mutex_);
  syncing_ = false;
  sync_ended_.NotifyAll();
  if (!status.ok()) {
    failure_ = MakeError(
        ErrorCode::kStorageError,
        absl::StrCat("sync of ", path(), " failed, unsynced records may be lost: ", status.message()));
    return failure_;
  }
  synced_ = upto;
  if (synced_ == begun_) held_ = nullptr;
  return absl::OkStatus();
}

absl::Status SegmentFile::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}

bool SegmentFile::has_unsynced() const {
  MutexLock lock(mutex_);
  return begun_ != synced_;
}

}  // namespace leat
