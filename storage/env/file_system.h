#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

// The seam to the disk (design D8, D14). All of Leat's file access goes through these classes; production
// uses the posix implementation, tests an in-memory one that models what a crash leaves behind.
//
// What survives what:
//   - Bytes for which WriteAt returned OK survive the death of the process. They survive power loss only
//     after a later Sync of the same file returned OK. Until then any subset of them, torn at any byte, may
//     survive.
//   - A name (made by Open(kCreateNew), Rename, CreateDir, or taken away by Rename, Remove) survives the
//     death of the process at once and power loss only after Sync of its Directory returned OK. Sync of a
//     file makes its bytes and size durable, never its name.
//   - An error from Sync of a File or a Directory is final: what was not yet durable may be lost although it
//   can still be
//     read back, and a later Sync may report success without having written it. Callers never retry (D7).
//
// Errors: ErrorCode::kDiskFull for ENOSPC, EDQUOT and EFBIG from anything but a sync; kStorageError
// otherwise, with path, operation and cause in the message. A missing file is absl::IsNotFound, an existing
// one absl::IsAlreadyExists; kLimitExceeded when no descriptor is to be had, by what opens something.
// Interrupted calls and short writes are continued inside.

namespace leat {

class File {
 public:
  virtual ~File() = default;

  // Fills `out` from `offset`; fewer bytes only at the end of the file. Any thread, concurrent with writes.
  [[nodiscard]] virtual absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> out) const = 0;

  // Writes `parts` back to back at `offset`. On an error any prefix may have been written; the caller decides
  // (Truncate, or never trust the file again). One writer at a time; concurrent with ReadAt and Sync.
  [[nodiscard]] virtual absl::Status WriteAt(uint64_t offset, absl::Span<const absl::string_view> parts) = 0;

  // Makes bytes and size durable (fdatasync). Covers every WriteAt that returned before the call. Any thread.
  [[nodiscard]] virtual absl::Status Sync() = 0;

  [[nodiscard]] virtual absl::StatusOr<uint64_t> Size() const = 0;
  [[nodiscard]] virtual absl::Status Truncate(uint64_t size) = 0;

  // Asks for disk blocks up to `size` bytes without changing the file's size. OK and no effect where the file
  // system cannot do it. kDiskFull when there is no room.
  [[nodiscard]] virtual absl::Status Reserve(uint64_t size) = 0;

  // Drops this file's clean pages from the page cache, so that the next read comes from the device (R12).
  [[nodiscard]] virtual absl::Status DropCache() = 0;

  // A descriptor usable for sendfile(2), or -1. Owned by this object.
  [[nodiscard]] virtual int NativeHandle() const = 0;
};

// An open directory. Holding it spares SyncDir the one step that can fail without anything being lost: to get
// a descriptor. Who has to make names durable opens the directory before changing them.
class Directory {
 public:
  virtual ~Directory() = default;

  // Makes the names in the directory durable: all that were made or taken away before the call. Any thread.
  [[nodiscard]] virtual absl::Status Sync() = 0;
};

// An exclusive lock on a path; released on destruction and on the death of the process.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

struct DirEntry {
  std::string name;
  bool is_directory = false;
};

enum class OpenMode {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreateNew,  // must not exist; opened for reading and writing, mode 0600
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  [[nodiscard]] virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path,
                                                                   OpenMode mode) = 0;
  // Entries of a directory, sorted by name, without "." and "..".
  [[nodiscard]] virtual absl::StatusOr<std::vector<DirEntry>> List(const std::string& path) = 0;
  // False for "no such file"; an error is never reported as absence.
  [[nodiscard]] virtual absl::StatusOr<bool> Exists(const std::string& path) = 0;
  // One directory, mode 0700; OK when it exists already. The parent must exist.
  [[nodiscard]] virtual absl::Status CreateDir(const std::string& path) = 0;
  // Replaces an existing file at `to` atomically. For directories `to` must not exist.
  [[nodiscard]] virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // A file, or an empty directory. NotFound when there is none.
  [[nodiscard]] virtual absl::Status Remove(const std::string& path) = 0;
  // The object refers to the directory, not to the path: it stays good when the directory is renamed.
  // kLimitExceeded when there is no descriptor to be had.
  [[nodiscard]] virtual absl::StatusOr<std::unique_ptr<Directory>> OpenDir(const std::string& path) = 0;
  // Opens the directory and syncs it. For callers that can give up what they have begun when it cannot be
  // opened.
  [[nodiscard]] absl::Status SyncDir(const std::string& path);
  // SyncDir of each, in any order; all were durable when it returns OK, else the first error. kLimitExceeded
  // only when no sync has failed: then nothing is lost. An implementation overlaps them where the device
  // gains by it, which for many directories is worth a factor of ten and more.
  [[nodiscard]] virtual absl::Status SyncDirs(absl::Span<const std::string> paths);
  // Creates the file when missing. kDirectoryLocked when another process, or this one, holds it.
  [[nodiscard]] virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
  // Bytes that this process may still write below `path`.
  [[nodiscard]] virtual absl::StatusOr<uint64_t> FreeSpace(const std::string& path) = 0;
};

// The disk of this machine. Lives for ever; any thread.
FileSystem& PosixFileSystem();

// Whole content of a file of at most `max_bytes`; kStorageError when it is larger.
[[nodiscard]] absl::StatusOr<std::string> ReadWholeFile(FileSystem& fs, const std::string& path,
                                                        uint64_t max_bytes);

// Puts `bytes` at `dir`/`name` so that after a crash either the former or the new content is there, whole:
// new file under a temporary name ("name.tmp"), sync, rename, sync of the directory. Durable on return.
[[nodiscard]] absl::Status ReplaceFile(FileSystem& fs, const std::string& dir, const std::string& name,
                                       absl::string_view bytes);

// Creates `path` and its missing parents and makes each new name durable.
[[nodiscard]] absl::Status CreateDirs(FileSystem& fs, const std::string& path);

// Removes a directory and everything below it. Not atomic: callers rename out of the way first.
[[nodiscard]] absl::Status RemoveTree(FileSystem& fs, const std::string& path);

}  // namespace leat
