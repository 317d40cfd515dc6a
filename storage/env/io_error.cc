#include "storage/env/io_error.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

std::string Describe(absl::string_view operation, absl::string_view path, int error_number) {
  return absl::StrCat(operation, " ", path, ": ", std::generic_category().message(error_number));
}

// kStorageError under another canonical code, so that both CodeOf and absl::IsNotFound and its like work.
absl::Status StorageErrorAs(absl::StatusCode code, absl::string_view message) {
  const absl::Status storage_error = MakeError(ErrorCode::kStorageError, message);
  absl::Status status(code, message);
  storage_error.ForEachPayload(
      [&status](absl::string_view url, const absl::Cord& payload) { status.SetPayload(url, payload); });
  return status;
}

}  // namespace

absl::Status IoError(absl::string_view operation, absl::string_view path, int error_number) {
  const std::string message = Describe(operation, path, error_number);
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return MakeError(ErrorCode::kDiskFull, message);
    case EMFILE:
      return MakeError(ErrorCode::kLimitExceeded,
                       absl::StrCat(message, "; raise the open-file limit of the process (ulimit -n)"));
    case ENFILE:
      return MakeError(ErrorCode::kLimitExceeded,
                       absl::StrCat(message, "; raise the open-file limit of the system (fs.file-max)"));
    case ENOENT:
      return StorageErrorAs(absl::StatusCode::kNotFound, message);
    case EEXIST:
      return StorageErrorAs(absl::StatusCode::kAlreadyExists, message);
    case EACCES:
    case EPERM:
      return StorageErrorAs(absl::StatusCode::kPermissionDenied, message);
    default:
      return MakeError(ErrorCode::kStorageError, message);
  }
}

absl::Status SyncError(absl::string_view operation, absl::string_view path, int error_number) {
  return MakeError(ErrorCode::kStorageError, Describe(operation, path, error_number));
}

}  // namespace leat
