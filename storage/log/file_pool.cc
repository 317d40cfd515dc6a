#include "storage/log/file_pool.h"

#include <cassert>
#include <iterator>

namespace leat {
namespace {

// So many held files are passed over at once before a new one simply comes on top of the bound.
constexpr int kEvictionTries = 64;

}  // namespace

PooledFile::~PooledFile() { pool_.Drop(*this); }

FilePool::~FilePool() {
  MutexLock lock(mutex_);
  assert(recent_.empty());
}

absl::StatusOr<std::shared_ptr<File>> FilePool::Get(PooledFile& file) {
  {
    MutexLock lock(mutex_);
    if (file.file_ != nullptr) {
      recent_.splice(recent_.begin(), recent_, file.place_);
      return file.file_;
    }
  }
  // Opened outside the lock; when two callers race, the second one's descriptor is closed again.
  absl::StatusOr<std::unique_ptr<File>> opened = fs_.Open(file.path_, OpenMode::kReadWrite);
  if (!opened.ok()) return opened.status();
  std::shared_ptr<File> fresh = *std::move(opened);
  Closing closing;
  MutexLock lock(mutex_);
  if (file.file_ == nullptr) {
    Add(file, fresh);
    Evict(closing);  // not this one: it is held here
  }
  return file.file_;
}

void FilePool::Put(PooledFile& file, std::shared_ptr<File> opened) {
  Closing closing;
  MutexLock lock(mutex_);
  assert(file.file_ == nullptr);
  Add(file, opened);
  Evict(closing);
}

void FilePool::Drop(PooledFile& file) {
  std::shared_ptr<File> closing;
  MutexLock lock(mutex_);
  if (file.file_ == nullptr) return;
  recent_.erase(file.place_);
  closing = std::move(file.file_);
  file.file_ = nullptr;
}

size_t FilePool::open_files() const {
  MutexLock lock(mutex_);
  return recent_.size();
}

void FilePool::Add(PooledFile& file, std::shared_ptr<File> opened) {
  file.file_ = std::move(opened);
  recent_.push_front(&file);
  file.place_ = recent_.begin();
}

void FilePool::Evict(Closing& closing) {
  for (int tries = 0; recent_.size() > open_max_ && tries < kEvictionTries; ++tries) {
    const auto oldest = std::prev(recent_.end());
    // A count of 1 cannot grow without the lock.
    if ((*oldest)->file_.use_count() > 1) {
      // It is in use, and must not hide what lies before it from the next search.
      recent_.splice(recent_.begin(), recent_, oldest);
      continue;
    }
    closing.push_back(std::move((*oldest)->file_));
    (*oldest)->file_ = nullptr;
    recent_.erase(oldest);
  }
}

}  // namespace leat
