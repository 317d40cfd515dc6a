#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "protocol/record/mutex.h"
#include "storage/env/file_system.h"
#include "storage/env/io_error.h"
#include "storage/env/posix_file.h"

namespace leat {
namespace {

constexpr size_t kSyncThreadsMax = 16;
constexpr size_t kDirsPerSyncThread = 4;

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};
using DirStream = std::unique_ptr<DIR, CloseDir>;

int FlagsOf(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreateNew:
      break;
  }
  return O_RDWR | O_CREAT | O_EXCL;
}

// Links are not followed: a tree that is removed must not lead out of itself.
bool IsDirectory(const DirStream& dir, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
  struct stat info;
  return fstatat(dirfd(dir.get()), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(UniqueFd fd) : fd_(std::move(fd)) {}

 private:
  UniqueFd fd_;  // the lock goes when the descriptor is closed
};

// Who holds the lock, as far as the file tells: the holder writes its process id into it.
std::string HolderOf(int fd) {
  char text[32];
  const ssize_t size = pread(fd, text, sizeof(text), 0);
  int64_t pid = 0;
  const absl::string_view trimmed =
      absl::StripAsciiWhitespace(absl::string_view(text, size > 0 ? static_cast<size_t>(size) : 0));
  return absl::SimpleAtoi(trimmed, &pid) ? absl::StrCat("process ", pid) : "another process";
}

// Only a hint for the message above; a lock whose file cannot be written is a lock all the same.
void WriteHolder(int fd) {
  const std::string text = absl::StrCat(getpid(), "\n");
  if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data(), text.size(), 0) < 0) return;
}

class PosixFileSystemImpl final : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    absl::StatusOr<UniqueFd> fd = OpenFd(path, FlagsOf(mode));
    if (!fd.ok()) return fd.status();
    return NewPosixFile(*std::move(fd), path);
  }

  absl::StatusOr<std::vector<DirEntry>> List(const std::string& path) override {
    const DirStream dir(opendir(path.c_str()));
    if (dir == nullptr) return IoError("list", path, errno);
    std::vector<DirEntry> entries;
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(dir.get());
      if (entry == nullptr) break;
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") entries.push_back({std::string(name), IsDirectory(dir, *entry)});
    }
    if (errno != 0) return IoError("list", path, errno);
    std::sort(entries.begin(), entries.end(),
              [](const DirEntry& a, const DirEntry& b) { return a.name < b.name; });
    return entries;
  }

  absl::StatusOr<bool> Exists(const std::string& path) override {
    struct stat info;
    if (lstat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT) return false;
    return IoError("look for", path, errno);
  }

  absl::Status CreateDir(const std::string& path) override {
    if (mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
    const int error_number = errno;
    struct stat info;
    if (error_number == EEXIST && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
      return absl::OkStatus();
    }
    return IoError("create directory", path, error_number);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    const std::string both = absl::StrCat(from, " to ", to);
    struct stat info;
    if (lstat(from.c_str(), &info) != 0) return IoError("rename", both, errno);
    // rename(2) would replace an empty directory.
    if (S_ISDIR(info.st_mode)) {
      if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
        return absl::OkStatus();
      }
      if (errno != EINVAL) return IoError("rename", both, errno);
      // The file system does not know the flag.
      if (lstat(to.c_str(), &info) == 0) return IoError("rename", both, EEXIST);
    }
    if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
    return IoError("rename", both, errno);
  }

  absl::Status Remove(const std::string& path) override {
    if (unlink(path.c_str()) == 0) return absl::OkStatus();
    if (errno == EISDIR && rmdir(path.c_str()) == 0) return absl::OkStatus();
    return IoError("remove", path, errno);
  }

  absl::StatusOr<std::unique_ptr<Directory>> OpenDir(const std::string& path) override {
    absl::StatusOr<UniqueFd> fd = OpenFd(path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) return fd.status();
    return NewPosixDirectory(*std::move(fd), path);
  }

  // The kernel merges the device flushes of threads that sync at the same time.
  absl::Status SyncDirs(absl::Span<const std::string> paths) override {
    std::atomic<size_t> next{0};
    Mutex mutex;
    absl::Status first_error;
    const auto work = [&] {
      for (size_t i = next.fetch_add(1); i < paths.size(); i = next.fetch_add(1)) {
        absl::Status synced = SyncDir(paths[i]);
        if (synced.ok()) continue;
        MutexLock lock(mutex);
        // A directory that could not be opened must not hide one that is lost.
        if (CodeOf(first_error) == ErrorCode::kLimitExceeded) first_error = absl::OkStatus();
        first_error.Update(synced);
      }
    };
    std::vector<std::thread> helpers;
    try {
      const size_t wanted = std::min(kSyncThreadsMax, paths.size() / kDirsPerSyncThread);
      while (helpers.size() < wanted) helpers.emplace_back(work);
    } catch (const std::system_error&) {
      // No more threads to be had: those that run do the work.
    }
    work();
    for (std::thread& helper : helpers) helper.join();
    return first_error;
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    absl::StatusOr<UniqueFd> fd = OpenFd(path, O_RDWR | O_CREAT);
    if (!fd.ok()) return fd.status();
    // A lock of the open file description: unlike fcntl's older locks it is refused to a second opener in
    // this process too, and closing another descriptor of the file does not drop it.
    struct flock request = {};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    if (RetryInterrupted([&] { return fcntl(fd->get(), F_OFD_SETLK, &request); }) != 0) {
      if (errno != EAGAIN && errno != EACCES) return IoError("lock", path, errno);
      return MakeError(ErrorCode::kDirectoryLocked,
                       absl::StrCat("lock ", path, ": held by ", HolderOf(fd->get()),
                                    "; stop it, or use another data directory"));
    }
    WriteHolder(fd->get());
    return std::make_unique<PosixFileLock>(*std::move(fd));
  }

  absl::StatusOr<uint64_t> FreeSpace(const std::string& path) override {
    struct statvfs info;
    if (RetryInterrupted([&] { return statvfs(path.c_str(), &info); }) != 0) {
      return IoError("free space of", path, errno);
    }
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }
};

}  // namespace

FileSystem& PosixFileSystem() {
  static PosixFileSystemImpl* const instance = new PosixFileSystemImpl;  // never destroyed
  return *instance;
}

}  // namespace leat
