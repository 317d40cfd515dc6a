#include "storage/env/posix_file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "protocol/record/mutex.h"
#include "storage/env/io_error.h"

namespace leat {
namespace {

// Vectors handed to one pwritev; a bound for the stack, below the kernel's own.
constexpr size_t kVectorsMax = 256;
static_assert(kVectorsMax <= IOV_MAX);

// What is left to write: a position in a list of parts.
class PartCursor {
 public:
  explicit PartCursor(absl::Span<const absl::string_view> parts) : parts_(parts) { SkipEmpty(); }

  bool done() const { return index_ == parts_.size(); }

  // Fills at most kVectorsMax vectors, returns how many.
  size_t Fill(iovec* vectors) const {
    size_t count = 0;
    size_t skip = skip_;
    for (size_t i = index_; i < parts_.size() && count < kVectorsMax; ++i) {
      const absl::string_view rest = parts_[i].substr(skip);
      skip = 0;
      if (!rest.empty()) vectors[count++] = {const_cast<char*>(rest.data()), rest.size()};
    }
    return count;
  }

  void Advance(size_t bytes) {
    while (bytes > 0) {
      const size_t step = std::min(bytes, parts_[index_].size() - skip_);
      skip_ += step;
      bytes -= step;
      SkipEmpty();
    }
  }

 private:
  void SkipEmpty() {
    while (index_ < parts_.size() && skip_ == parts_[index_].size()) {
      ++index_;
      skip_ = 0;
    }
  }

  absl::Span<const absl::string_view> parts_;
  size_t index_ = 0;
  size_t skip_ = 0;  // bytes of parts_[index_] that are written
};

class PosixFile final : public File {
 public:
  PosixFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> out) const override {
    size_t filled = 0;
    while (filled < out.size()) {
      const ssize_t got = RetryInterrupted([&] {
        return pread(fd_.get(), out.data() + filled, out.size() - filled,
                     static_cast<off_t>(offset + filled));
      });
      if (got < 0) return IoError("read", path_, errno);
      if (got == 0) break;
      filled += static_cast<size_t>(got);
    }
    return filled;
  }

  absl::Status WriteAt(uint64_t offset, absl::Span<const absl::string_view> parts) override {
    if (sync_failed_.load(std::memory_order_acquire)) return sync_failure_;
    iovec vectors[kVectorsMax];
    for (PartCursor rest(parts); !rest.done();) {
      const size_t count = rest.Fill(vectors);
      const ssize_t put = RetryInterrupted(
          [&] { return pwritev(fd_.get(), vectors, static_cast<int>(count), static_cast<off_t>(offset)); });
      if (put <= 0) return IoError("write", path_, put < 0 ? errno : EIO);
      rest.Advance(static_cast<size_t>(put));
      offset += static_cast<uint64_t>(put);
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    // One at a time: Linux reports a writeback error to one caller only, and the others must hear of it (R7).
    MutexLock lock(sync_mutex_);
    if (sync_failed_.load(std::memory_order_relaxed)) return sync_failure_;
    if (RetryInterrupted([&] { return fdatasync(fd_.get()); }) == 0) return absl::OkStatus();
    sync_failure_ = SyncError("fdatasync", path_, errno);
    sync_failed_.store(true, std::memory_order_release);
    return sync_failure_;
  }

  absl::StatusOr<uint64_t> Size() const override {
    struct stat info;
    if (fstat(fd_.get(), &info) != 0) return IoError("stat", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

  absl::Status Truncate(uint64_t size) override {
    if (RetryInterrupted([&] { return ftruncate(fd_.get(), static_cast<off_t>(size)); }) == 0) {
      return absl::OkStatus();
    }
    return IoError("truncate", path_, errno);
  }

  absl::Status Reserve(uint64_t size) override {
    if (size == 0) return absl::OkStatus();
    const int result = RetryInterrupted(
        [&] { return fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)); });
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return absl::OkStatus();
    return IoError("reserve", path_, errno);
  }

  absl::Status DropCache() override {
    const int error_number = posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);
    return error_number == 0 ? absl::OkStatus() : IoError("drop cache of", path_, error_number);
  }

  int NativeHandle() const override { return fd_.get(); }

 private:
  const UniqueFd fd_;
  const std::string path_;
  Mutex sync_mutex_;
  absl::Status sync_failure_;  // written once, before sync_failed_
  std::atomic<bool> sync_failed_{false};
};

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  absl::Status Sync() override {
    MutexLock lock(mutex_);  // as in PosixFile
    if (failure_.ok() && RetryInterrupted([&] { return fsync(fd_.get()); }) != 0) {
      failure_ = SyncError("sync directory", path_, errno);
    }
    return failure_;
  }

 private:
  const UniqueFd fd_;
  const std::string path_;
  Mutex mutex_;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<UniqueFd> OpenFd(const std::string& path, int flags) {
  UniqueFd fd(RetryInterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC, 0600); }));
  if (fd.get() < 0) return IoError("open", path, errno);
  if (fd.get() > STDERR_FILENO) return fd;
  UniqueFd moved(fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (moved.get() < 0) return IoError("open", path, errno);
  return moved;
}

std::unique_ptr<File> NewPosixFile(UniqueFd fd, std::string path) {
  return std::make_unique<PosixFile>(std::move(fd), std::move(path));
}

std::unique_ptr<Directory> NewPosixDirectory(UniqueFd fd, std::string path) {
  return std::make_unique<PosixDirectory>(std::move(fd), std::move(path));
}

}  // namespace leat
