#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "protocol/record/mutex.h"
#include "storage/env/file_system.h"

namespace leat {

class FilePool;

// One file that a pool opens when needed. Must not outlive the pool.
class PooledFile {
 public:
  PooledFile(FilePool& pool, std::string path) : pool_(pool), path_(std::move(path)) {}
  ~PooledFile();
  PooledFile(const PooledFile&) = delete;
  PooledFile& operator=(const PooledFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  friend class FilePool;
  FilePool& pool_;
  const std::string path_;
  // Guarded by the pool's mutex.
  std::shared_ptr<File> file_;
  std::list<PooledFile*>::iterator place_;  // meaningful while file_ is set
};

// Keeps a bounded number of files open, the least recently used one closed first. A file that somebody else
// holds (a reader's slice, a segment with unsynced bytes) is never closed, so the bound may be passed while
// too many are held. Any thread.
class FilePool {
 public:
  FilePool(FileSystem& fs, size_t open_max) : fs_(fs), open_max_(open_max) {}
  ~FilePool();

  // Opens the file for reading and writing when it is not open.
  [[nodiscard]] absl::StatusOr<std::shared_ptr<File>> Get(PooledFile& file);
  // Gives the pool a file that the caller has opened.
  void Put(PooledFile& file, std::shared_ptr<File> opened);
  // Forgets the open file; it closes when nobody holds it.
  void Drop(PooledFile& file);

  size_t open_files() const;
  FileSystem& fs() { return fs_; }

 private:
  using Closing = std::list<std::shared_ptr<File>>;  // closed by the caller, outside the lock
  void Add(PooledFile& file, std::shared_ptr<File> opened) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Evict(Closing& closing) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  FileSystem& fs_;
  const size_t open_max_;
  mutable Mutex mutex_;
  std::list<PooledFile*> recent_ ABSL_GUARDED_BY(mutex_);  // most recently used first
};

}  // namespace leat
