#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "storage/env/file_system.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

// What only the posix implementation has: modes, descriptors, links, limits, other processes.

namespace leat {
namespace {

using ::testing::HasSubstr;

class PosixFileSystemTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return dir_.path() + "/" + name; }
  mode_t ModeOf(const std::string& name) const {
    struct stat info = {};
    EXPECT_EQ(lstat(Path(name).c_str(), &info), 0);
    return info.st_mode & 07777;
  }

  FileSystem& fs_ = PosixFileSystem();
  TempDir dir_;
};

// Lowers a limit of this process for a scope.
class ScopedLimit {
 public:
  ScopedLimit(__rlimit_resource resource, rlim_t soft) : resource_(resource) {
    getrlimit(resource_, &before_);
    const rlimit lowered = {soft, before_.rlim_max};
    setrlimit(resource_, &lowered);
  }
  ~ScopedLimit() { setrlimit(resource_, &before_); }

 private:
  const __rlimit_resource resource_;
  rlimit before_;
};

TEST_F(PosixFileSystemTest, OthersGetNoAccess) {
  const mode_t former = umask(0);
  EXPECT_THAT(fs_.Open(Path("f"), OpenMode::kCreateNew), IsOk());
  EXPECT_THAT(fs_.Lock(Path("LOCK")), IsOk());
  EXPECT_THAT(fs_.CreateDir(Path("d")), IsOk());
  umask(former);
  EXPECT_EQ(ModeOf("f"), 0600u);
  EXPECT_EQ(ModeOf("LOCK"), 0600u);
  EXPECT_EQ(ModeOf("d"), 0700u);
}

TEST_F(PosixFileSystemTest, DescriptorsAreUsableButNotInherited) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file, fs_.Open(Path("f"), OpenMode::kCreateNew));
  EXPECT_GE(file->NativeHandle(), 3);
  EXPECT_NE(fcntl(file->NativeHandle(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(PosixFileSystemTest, FilesNeverTakeTheStandardStreams) {
  const int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  close(STDIN_FILENO);
  const absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(Path("f"), OpenMode::kCreateNew);
  const bool stdin_is_free = fcntl(STDIN_FILENO, F_GETFD) == -1;
  if (saved >= 0) {
    dup2(saved, STDIN_FILENO);
    close(saved);
  }
  ASSERT_THAT(file, IsOk());
  EXPECT_GE((*file)->NativeHandle(), 3);
  EXPECT_TRUE(stdin_is_free);
}

TEST_F(PosixFileSystemTest, FailedSyncSticksToItsFile) {
  // The device takes no sync: EINVAL.
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file, fs_.Open("/dev/null", OpenMode::kReadWrite));
  EXPECT_THAT(file->WriteAt(0, {"x"}), IsOk());
  const absl::Status first = file->Sync();
  EXPECT_THAT(first, StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(std::string(first.message()), HasSubstr("fdatasync /dev/null: "));
  EXPECT_EQ(file->Sync(), first);
  EXPECT_EQ(file->WriteAt(0, {"x"}), first);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> other, fs_.Open("/dev/null", OpenMode::kReadWrite));
  EXPECT_THAT(other->WriteAt(0, {"x"}), IsOk());
}

TEST_F(PosixFileSystemTest, FullDiskOnWrite) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file, fs_.Open("/dev/full", OpenMode::kReadWrite));
  const absl::Status full = file->WriteAt(0, {"x"});
  EXPECT_THAT(full, StatusIs(ErrorCode::kDiskFull));
  EXPECT_EQ(full.message(), "write /dev/full: No space left on device");
}

TEST_F(PosixFileSystemTest, ShortWritesAreContinuedUntilTheirCause) {
  signal(SIGXFSZ, SIG_IGN);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file, fs_.Open(Path("f"), OpenMode::kCreateNew));
  {
    const ScopedLimit limit(RLIMIT_FSIZE, 100);
    const std::string part(30, 'x');
    EXPECT_THAT(file->WriteAt(0, {part, part, part, part}), StatusIs(ErrorCode::kDiskFull));
  }
  EXPECT_THAT(file->Size(), IsOkAndHolds(100u));
  signal(SIGXFSZ, SIG_DFL);
}

TEST_F(PosixFileSystemTest, OpenFileLimitNamesTheRemedy) {
  std::vector<std::unique_ptr<File>> files;
  absl::Status refused;
  {
    // Ends before anything else is done: UndefinedBehaviorSanitizer's own checks need descriptors.
    const ScopedLimit limit(RLIMIT_NOFILE, 64);
    for (int i = 0; i < 100 && refused.ok(); ++i) {
      absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(Path(absl::StrCat(i)), OpenMode::kCreateNew);
      if (file.ok()) {
        files.push_back(*std::move(file));
      } else {
        refused = file.status();
      }
    }
  }
  EXPECT_THAT(refused, StatusIs(ErrorCode::kLimitExceeded));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("raise the open-file limit"));
}

TEST_F(PosixFileSystemTest, RemoveTreeDoesNotFollowLinks) {
  ASSERT_THAT(CreateDirs(fs_, Path("outside")), IsOk());
  ASSERT_THAT(ReplaceFile(fs_, Path("outside"), "f", "stays"), IsOk());
  ASSERT_THAT(CreateDirs(fs_, Path("tree")), IsOk());
  ASSERT_EQ(symlink(Path("outside").c_str(), Path("tree/link").c_str()), 0);
  EXPECT_THAT(RemoveTree(fs_, Path("tree")), IsOk());
  EXPECT_THAT(ReadWholeFile(fs_, Path("outside/f"), 100), IsOkAndHolds("stays"));
}

TEST_F(PosixFileSystemTest, LockKeepsOtherProcessesOutUntilItsHolderDies) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const absl::StatusOr<std::unique_ptr<FileLock>> lock = fs_.Lock(Path("LOCK"));
    const char answer = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &answer, 1) == 1) pause();
    _exit(1);
  }
  char answer = 0;
  ASSERT_EQ(read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  const absl::Status refused = fs_.Lock(Path("LOCK")).status();
  EXPECT_THAT(refused, StatusIs(ErrorCode::kDirectoryLocked));
  EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("held by process ", child, ";")));
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_THAT(fs_.Lock(Path("LOCK")), IsOk());
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace leat
