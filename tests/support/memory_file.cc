#include "tests/support/memory_file.h"

#include <cerrno>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/env/io_error.h"

namespace leat {

absl::Status MemoryFile::Alive() const {
  if (fs_.epoch_ == epoch_) return absl::OkStatus();
  return MakeError(ErrorCode::kStorageError, absl::StrCat(path_, ": opened before the crash"));
}

absl::Status MemoryFile::Writable(const char* operation) const {
  return writable_ ? absl::OkStatus() : IoError(operation, path_, EBADF);
}

absl::StatusOr<size_t> MemoryFile::ReadAt(uint64_t offset, absl::Span<char> out) const {
  const MemoryFileSystem::Permit permit = fs_.Begin(FsOpKind::kRead, path_);
  if (!permit.ok()) return permit.status;
  MutexLock lock(fs_.mutex_);
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  const std::string& content = node_->data.content();
  if (offset >= content.size()) return size_t{0};
  return content.copy(out.data(), out.size(), offset);
}

absl::Status MemoryFile::WriteAt(uint64_t offset, absl::Span<const absl::string_view> parts) {
  std::string bytes;
  for (const absl::string_view part : parts) absl::StrAppend(&bytes, part);
  const MemoryFileSystem::Permit permit = fs_.Begin(FsOpKind::kWrite, path_);
  MutexLock lock(fs_.mutex_);
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  if (absl::Status writable = Writable("write"); !writable.ok()) return writable;
  if (permit.ok()) return fs_.Write(*node_, path_, offset, bytes);
  if (permit.gate != MemoryFileSystem::Gate::kOff) {
    const absl::string_view prefix(bytes.data(), bytes.size() * (permit.number % 4) / 4);
    fs_.Write(*node_, path_, offset, prefix).IgnoreError();  // the permit's error is the one to report
  }
  return permit.status;
}

absl::Status MemoryFile::Sync() {
  const MemoryFileSystem::Permit permit = fs_.Begin(FsOpKind::kSync, path_);
  MutexLock lock(fs_.mutex_);
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  if (permit.ok()) node_->data.Sync();
  if (permit.gate == MemoryFileSystem::Gate::kFault) node_->data.FailSync();
  return permit.status;
}

absl::StatusOr<uint64_t> MemoryFile::Size() const {
  const MemoryFileSystem::Permit permit = fs_.Begin(FsOpKind::kSize, path_);
  if (!permit.ok()) return permit.status;
  MutexLock lock(fs_.mutex_);
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  return node_->data.size();
}

absl::Status MemoryFile::Truncate(uint64_t size) {
  const MemoryFileSystem::Permit permit = fs_.Begin(FsOpKind::kTruncate, path_);
  if (!permit.ok()) return permit.status;
  MutexLock lock(fs_.mutex_);
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  if (absl::Status writable = Writable("truncate"); !writable.ok()) return writable;
  if (size > kMemoryFileBytesMax) return IoError("truncate", path_, EFBIG);
  if (fs_.FitIntoCapacity(*node_, size) < size) return IoError("truncate", path_, ENOSPC);
  const uint64_t sequence = ++fs_.sequence_;
  fs_.Change(*node_, [&](MemoryFileData& data) { data.Truncate(sequence, size); });
  return absl::OkStatus();
}

absl::Status MemoryFile::Reserve(uint64_t size) {
  const MemoryFileSystem::Permit permit = fs_.Begin(FsOpKind::kReserve, path_);
  if (!permit.ok()) return permit.status;
  MutexLock lock(fs_.mutex_);
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  if (absl::Status writable = Writable("reserve"); !writable.ok()) return writable;
  if (fs_.FitIntoCapacity(*node_, size) < size) return IoError("reserve", path_, ENOSPC);
  fs_.Change(*node_, [&](MemoryFileData& data) { data.Reserve(size); });
  return absl::OkStatus();
}

absl::Status MemoryFile::DropCache() {
  const MemoryFileSystem::Permit permit = fs_.Begin(FsOpKind::kDropCache, path_);
  if (!permit.ok()) return permit.status;
  MutexLock lock(fs_.mutex_);
  if (absl::Status alive = Alive(); !alive.ok()) return alive;
  node_->data.DropCache();
  return absl::OkStatus();
}

absl::Status MemoryDirectory::Sync() {
  const MemoryFileSystem::Permit permit = fs_.Begin(FsOpKind::kSyncDir, path_);
  MutexLock lock(fs_.mutex_);
  if (fs_.epoch_ != epoch_) {
    return MakeError(ErrorCode::kStorageError, absl::StrCat(path_, ": opened before the crash"));
  }
  if (permit.ok()) fs_.names_.SyncDir(node_);
  if (permit.gate == MemoryFileSystem::Gate::kFault) fs_.names_.FailSyncDir(node_);
  return permit.status;
}

}  // namespace leat
