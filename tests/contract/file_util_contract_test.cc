#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "storage/env/file_system.h"
#include "tests/contract/file_systems.h"
#include "tests/support/status_matchers.h"

// The helpers on top of FileSystem, over every implementation.

namespace leat {
namespace {

template <typename Disk>
class FileUtilContract : public FileSystemTest<Disk> {};

TYPED_TEST_SUITE(FileUtilContract, Disks);

TYPED_TEST(FileUtilContract, ReadWholeFileUpToItsLimit) {
  EXPECT_TRUE(absl::IsNotFound(ReadWholeFile(this->fs(), this->Path("f"), 10).status()));
  EXPECT_THAT(ReplaceFile(this->fs(), this->root(), "f", "0123456789"), IsOk());
  EXPECT_THAT(ReadWholeFile(this->fs(), this->Path("f"), 10), IsOkAndHolds("0123456789"));
  EXPECT_THAT(ReadWholeFile(this->fs(), this->Path("f"), 9), StatusIs(ErrorCode::kStorageError));
}

TYPED_TEST(FileUtilContract, ReplaceFileLeavesOnlyTheNewContent) {
  EXPECT_THAT(ReplaceFile(this->fs(), this->root(), "f", "a longer text"), IsOk());
  EXPECT_THAT(ReplaceFile(this->fs(), this->root(), "f", "short"), IsOk());
  EXPECT_THAT(ReadWholeFile(this->fs(), this->Path("f"), 100), IsOkAndHolds("short"));
  ASSERT_OK_AND_ASSIGN(const std::vector<DirEntry> entries, this->fs().List(this->root()));
  EXPECT_EQ(entries.size(), 1u);
}

TYPED_TEST(FileUtilContract, ReplaceFileIsNotStoppedByALeftover) {
  EXPECT_THAT(ReplaceFile(this->fs(), this->root(), "f.tmp", "left by a crash, and longer"), IsOk());
  EXPECT_THAT(ReplaceFile(this->fs(), this->root(), "f", "new"), IsOk());
  EXPECT_THAT(ReadWholeFile(this->fs(), this->Path("f"), 100), IsOkAndHolds("new"));
  EXPECT_THAT(this->fs().Exists(this->Path("f.tmp")), IsOkAndHolds(false));
}

TYPED_TEST(FileUtilContract, CreateDirsMakesMissingParents) {
  EXPECT_THAT(CreateDirs(this->fs(), this->Path("a//b/c/")), IsOk());
  EXPECT_THAT(CreateDirs(this->fs(), this->Path("a/b/c")), IsOk());
  EXPECT_THAT(this->fs().Exists(this->Path("a/b/c")), IsOkAndHolds(true));
  EXPECT_THAT(CreateDirs(this->fs(), "/"), IsOk());
  EXPECT_THAT(CreateDirs(this->fs(), "."), IsOk());
}

TYPED_TEST(FileUtilContract, CreateDirsDoesNotTakeAFileForADirectory) {
  EXPECT_THAT(ReplaceFile(this->fs(), this->root(), "f", ""), IsOk());
  EXPECT_FALSE(CreateDirs(this->fs(), this->Path("f")).ok());
  EXPECT_FALSE(CreateDirs(this->fs(), this->Path("f/below")).ok());
}

TYPED_TEST(FileUtilContract, RemoveTreeTakesEverythingBelow) {
  EXPECT_THAT(CreateDirs(this->fs(), this->Path("a/b/c")), IsOk());
  EXPECT_THAT(ReplaceFile(this->fs(), this->Path("a/b"), "f", "x"), IsOk());
  EXPECT_THAT(ReplaceFile(this->fs(), this->root(), "stays", "x"), IsOk());
  EXPECT_THAT(RemoveTree(this->fs(), this->Path("a")), IsOk());
  EXPECT_THAT(this->fs().Exists(this->Path("a")), IsOkAndHolds(false));
  EXPECT_THAT(this->fs().Exists(this->Path("stays")), IsOkAndHolds(true));
  EXPECT_TRUE(absl::IsNotFound(RemoveTree(this->fs(), this->Path("a"))));
}

// What the helpers promise about crashes needs a disk that can have them.
class FileUtilCrash : public ::testing::Test {
 protected:
  // Runs `work` once per change that it makes, with the machine stopping there, and checks what is left under
  // every policy with `check`.
  template <typename Work, typename Check>
  void ForEachCrash(const MemoryFileSystem& before, Work work, Check check) {
    const std::unique_ptr<MemoryFileSystem> whole = before.Clone();
    ASSERT_THAT(work(*whole), IsOk());
    for (uint64_t change = 1; change <= whole->changes() + 1; ++change) {
      for (const CrashPolicy policy : {CrashPolicy::kProcess, CrashPolicy::kPowerLossAll,
                                       CrashPolicy::kPowerLossPrefix, CrashPolicy::kPowerLossSubset}) {
        for (uint64_t seed = 0; seed < 20; ++seed) {
          const std::unique_ptr<MemoryFileSystem> fs = before.Clone();
          fs->StopAtChange(change);
          const bool done = work(*fs).ok();
          fs->Crash(policy, seed);
          check(*fs, done);
        }
      }
    }
  }
};

TEST_F(FileUtilCrash, ReplaceFileIsAtomicAndDurable) {
  const std::string former(700, 'o'), next(1300, 'n');
  MemoryFileSystem before;
  ASSERT_THAT(ReplaceFile(before, "/", "f", former), IsOk());
  int kept = 0, replaced = 0;
  ForEachCrash(
      before, [&](FileSystem& fs) { return ReplaceFile(fs, "/", "f", next); },
      [&](MemoryFileSystem& fs, bool done) {
        ASSERT_OK_AND_ASSIGN(const std::string content, ReadWholeFile(fs, "/f", 10000));
        ASSERT_TRUE(content == next || (!done && content == former)) << content;
        ++(content == next ? replaced : kept);
        ASSERT_THAT(ReplaceFile(fs, "/", "f", next), IsOk()) << "what was left must not be in the way";
      });
  EXPECT_GT(kept, 0);
  EXPECT_GT(replaced, 80);  // also before the call has returned
}

TEST_F(FileUtilCrash, CreateDirsIsDurable) {
  ForEachCrash(
      MemoryFileSystem(), [](FileSystem& fs) { return CreateDirs(fs, "/a/b/c"); },
      [](MemoryFileSystem& fs, bool done) {
        if (done) {
          ASSERT_THAT(fs.Exists("/a/b/c"), IsOkAndHolds(true));
        }
        // A restart after the crash, then a power loss.
        ASSERT_THAT(CreateDirs(fs, "/a/b/c"), IsOk());
        fs.Crash(CrashPolicy::kPowerLossAll, 0);
        ASSERT_THAT(fs.Exists("/a/b/c"), IsOkAndHolds(true));
      });
}

TEST_F(FileUtilCrash, FailedSyncLeavesTheFormerContent) {
  for (const FsOpKind failing : {FsOpKind::kSync, FsOpKind::kWrite, FsOpKind::kRename, FsOpKind::kCreate}) {
    MemoryFileSystem fs;
    ASSERT_THAT(ReplaceFile(fs, "/", "f", "former"), IsOk());
    fs.SetFault([failing](const FsOp& op) {
      return op.kind == failing ? MakeError(ErrorCode::kStorageError, "injected") : absl::OkStatus();
    });
    EXPECT_THAT(ReplaceFile(fs, "/", "f", "next"), StatusIs(ErrorCode::kStorageError));
    fs.SetFault(nullptr);
    EXPECT_THAT(ReadWholeFile(fs, "/f", 100), IsOkAndHolds("former"));
    EXPECT_THAT(fs.Exists("/f.tmp"), IsOkAndHolds(false));
  }
}

}  // namespace
}  // namespace leat
