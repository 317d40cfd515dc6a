#include "storage/log/index_file.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

absl::StatusOr<std::unique_ptr<File>> CreateAnew(FileSystem& fs, const std::string& path) {
  if (absl::Status status = fs.Remove(path); !status.ok() && !absl::IsNotFound(status)) return status;
  return fs.Open(path, OpenMode::kCreateNew);
}

}  // namespace

absl::Status WriteCacheFile(FileSystem& fs, const std::string& dir, const std::string& name,
                            absl::string_view bytes) {
  const std::string temporary = absl::StrCat(dir, "/", name, ".tmp");
  absl::StatusOr<std::unique_ptr<File>> file = CreateAnew(fs, temporary);
  if (!file.ok()) return file.status();
  if (!bytes.empty()) {
    if (absl::Status status = (*file)->WriteAt(0, absl::MakeConstSpan(&bytes, 1)); !status.ok())
      return status;
  }
  return fs.Rename(temporary, absl::StrCat(dir, "/", name));
}

absl::Status AppendCacheFile(FileSystem& fs, const std::string& path, uint64_t position,
                             absl::string_view bytes) {
  absl::StatusOr<std::unique_ptr<File>> file =
      position == 0 ? CreateAnew(fs, path) : fs.Open(path, OpenMode::kReadWrite);
  if (!file.ok()) return file.status();
  absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size < position) {
    return MakeError(ErrorCode::kDataLoss,
                     absl::StrCat(path, " has become shorter than what was written to it"));
  }
  if (bytes.empty()) return absl::OkStatus();
  return (*file)->WriteAt(position, absl::MakeConstSpan(&bytes, 1));
}

}  // namespace leat
