#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/env/file_system.h"

namespace leat {
namespace {

// The directory that holds `path`; "." for a bare name. `path` has no slash at its end.
std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  const size_t end = path.find_last_not_of('/', slash);
  return end == std::string::npos ? "/" : path.substr(0, end + 1);
}

std::string WithoutTrailingSlashes(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  return end == std::string::npos ? path.substr(0, 1) : path.substr(0, end + 1);
}

// A former attempt may have left the file behind.
absl::StatusOr<std::unique_ptr<File>> CreateAfresh(FileSystem& fs, const std::string& path) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kCreateNew);
  if (!absl::IsAlreadyExists(file.status())) return file;
  if (absl::Status removed = fs.Remove(path); !removed.ok()) return removed;
  return fs.Open(path, OpenMode::kCreateNew);
}

absl::Status WriteNewFile(FileSystem& fs, const std::string& path, absl::string_view bytes) {
  absl::StatusOr<std::unique_ptr<File>> file = CreateAfresh(fs, path);
  if (!file.ok()) return file.status();
  if (absl::Status written = (*file)->WriteAt(0, {bytes}); !written.ok()) return written;
  return (*file)->Sync();
}

}  // namespace

absl::Status FileSystem::SyncDir(const std::string& path) {
  const absl::StatusOr<std::unique_ptr<Directory>> dir = OpenDir(path);
  return dir.ok() ? (*dir)->Sync() : dir.status();
}

absl::Status FileSystem::SyncDirs(absl::Span<const std::string> paths) {
  for (const std::string& path : paths) {
    if (absl::Status synced = SyncDir(path); !synced.ok()) return synced;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadWholeFile(FileSystem& fs, const std::string& path, uint64_t max_bytes) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kRead);
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size > max_bytes) {
    return MakeError(ErrorCode::kStorageError, absl::StrCat("read ", path, ": it has ", *size,
                                                            " bytes, at most ", max_bytes, " are expected"));
  }
  std::string content(*size, '\0');
  const absl::StatusOr<size_t> got = (*file)->ReadAt(0, absl::MakeSpan(content));
  if (!got.ok()) return got.status();
  content.resize(*got);
  return content;
}

absl::Status ReplaceFile(FileSystem& fs, const std::string& dir, const std::string& name,
                         absl::string_view bytes) {
  const std::string path = absl::StrCat(dir, "/", name);
  const std::string temporary = absl::StrCat(path, ".tmp");
  const absl::StatusOr<std::unique_ptr<Directory>> directory = fs.OpenDir(dir);
  if (!directory.ok()) return directory.status();
  absl::Status status = WriteNewFile(fs, temporary, bytes);
  if (status.ok()) status = fs.Rename(temporary, path);
  if (!status.ok()) {
    fs.Remove(temporary).IgnoreError();  // the first error is the one to report
    return status;
  }
  return (*directory)->Sync();
}

absl::Status CreateDirs(FileSystem& fs, const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  const std::string clean = WithoutTrailingSlashes(path);
  const std::string parent = ParentOf(clean);
  if (clean == parent) return absl::OkStatus();
  const absl::StatusOr<bool> exists = fs.Exists(clean);
  if (!exists.ok()) return exists.status();
  if (!*exists) {
    if (absl::Status made = CreateDirs(fs, parent); !made.ok()) return made;
  }
  // Also when it exists: this refuses a file, and a process may have died between the next two calls.
  if (absl::Status made = fs.CreateDir(clean); !made.ok()) return made;
  const absl::Status synced = fs.SyncDir(parent);
  // A directory that others made for us may lie in one that we may not read, and so not sync.
  if (*exists && absl::IsPermissionDenied(synced)) return absl::OkStatus();
  return synced;
}

absl::Status RemoveTree(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(path);
  if (!entries.ok()) return entries.status();
  for (const DirEntry& entry : *entries) {
    const std::string child = absl::StrCat(path, "/", entry.name);
    absl::Status removed = entry.is_directory ? RemoveTree(fs, child) : fs.Remove(child);
    if (!removed.ok()) return removed;
  }
  return fs.Remove(path);
}

}  // namespace leat
