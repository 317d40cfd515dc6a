#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

// The one mapping from errno to Status for implementations of FileSystem. Messages read
// "<operation> <path>: <what the system says>", with a remedy where there is one.

namespace leat {

// For every call but a sync. ENOENT, EEXIST, EACCES and EPERM give NotFound, AlreadyExists and
// PermissionDenied that carry kStorageError; ENOSPC, EDQUOT and EFBIG give kDiskFull; EMFILE and ENFILE
// kLimitExceeded; the rest kStorageError.
absl::Status IoError(absl::string_view operation, absl::string_view path, int error_number);

// For a sync: always kStorageError, because a full disk reported by a sync means lost writes (R11).
absl::Status SyncError(absl::string_view operation, absl::string_view path, int error_number);

}  // namespace leat
