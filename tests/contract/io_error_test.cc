#include "storage/env/io_error.h"

#include <cerrno>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using ::testing::HasSubstr;

TEST(IoError, FullDiskIsTold) {
  for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
    EXPECT_THAT(IoError("write", "/f", error), StatusIs(ErrorCode::kDiskFull));
  }
}

TEST(IoError, SyncIsAlwaysAStorageError) {
  for (const int error : {ENOSPC, EDQUOT, EFBIG, EIO, ENOENT, EMFILE}) {
    EXPECT_THAT(SyncError("fdatasync", "/f", error), StatusIs(ErrorCode::kStorageError));
  }
}

TEST(IoError, OpenFileLimitsNameTheRemedy) {
  for (const int error : {EMFILE, ENFILE}) {
    const absl::Status status = IoError("open", "/f", error);
    EXPECT_THAT(status, StatusIs(ErrorCode::kLimitExceeded));
    EXPECT_THAT(std::string(status.message()), HasSubstr("raise the open-file limit"));
  }
}

TEST(IoError, CanonicalCodesCarryAStorageError) {
  EXPECT_TRUE(absl::IsNotFound(IoError("open", "/f", ENOENT)));
  EXPECT_TRUE(absl::IsAlreadyExists(IoError("open", "/f", EEXIST)));
  EXPECT_TRUE(absl::IsPermissionDenied(IoError("open", "/f", EACCES)));
  for (const int error : {ENOENT, EEXIST, EACCES, EPERM, EIO, ENOTDIR, EROFS, EBADF}) {
    EXPECT_THAT(IoError("open", "/f", error), StatusIs(ErrorCode::kStorageError));
  }
}

TEST(IoError, MessageNamesOperationPathAndCause) {
  EXPECT_EQ(IoError("read", "/d/f", EIO).message(), "read /d/f: Input/output error");
  EXPECT_EQ(SyncError("fdatasync", "/d/f", ENOSPC).message(), "fdatasync /d/f: No space left on device");
}

}  // namespace
}  // namespace leat
