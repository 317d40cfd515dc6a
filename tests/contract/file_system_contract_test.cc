#include "storage/env/file_system.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/contract/file_systems.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string ReadAll(const File& file) {
  std::string bytes(1 << 20, '\0');
  const absl::StatusOr<size_t> size = file.ReadAt(0, absl::MakeSpan(bytes));
  if (!size.ok()) return size.status().ToString();
  bytes.resize(*size);
  return bytes;
}

std::vector<std::string> NamesOf(const absl::StatusOr<std::vector<DirEntry>>& entries) {
  std::vector<std::string> names;
  if (!entries.ok()) return {entries.status().ToString()};
  for (const DirEntry& entry : *entries) names.push_back(entry.name + (entry.is_directory ? "/" : ""));
  return names;
}

template <typename Disk>
class FileContract : public FileSystemTest<Disk> {
 protected:
  std::unique_ptr<File> Create(const std::string& name) {
    absl::StatusOr<std::unique_ptr<File>> file = this->fs().Open(this->Path(name), OpenMode::kCreateNew);
    EXPECT_THAT(file, IsOk());
    return file.ok() ? *std::move(file) : nullptr;
  }
  std::unique_ptr<File> CreateWith(const std::string& name, const std::string& bytes) {
    std::unique_ptr<File> file = Create(name);
    EXPECT_THAT(file->WriteAt(0, {bytes}), IsOk());
    return file;
  }
  std::string Content(const std::string& name) {
    const absl::StatusOr<std::unique_ptr<File>> file = this->fs().Open(this->Path(name), OpenMode::kRead);
    return file.ok() ? ReadAll(**file) : file.status().ToString();
  }
};

TYPED_TEST_SUITE(FileContract, Disks);

TYPED_TEST(FileContract, ReadsWhatWasWritten) {
  const std::unique_ptr<File> file = this->CreateWith("f", "0123456789");
  std::string out(4, '\0');
  EXPECT_THAT(file->ReadAt(3, absl::MakeSpan(out)), IsOkAndHolds(4u));
  EXPECT_EQ(out, "3456");
}

TYPED_TEST(FileContract, ReadsFewerBytesOnlyAtTheEnd) {
  const std::unique_ptr<File> file = this->CreateWith("f", "0123456789");
  std::string out(8, 'x');
  EXPECT_THAT(file->ReadAt(7, absl::MakeSpan(out)), IsOkAndHolds(3u));
  EXPECT_EQ(out, "789xxxxx");
  EXPECT_THAT(file->ReadAt(10, absl::MakeSpan(out)), IsOkAndHolds(0u));
  EXPECT_THAT(file->ReadAt(1000, absl::MakeSpan(out)), IsOkAndHolds(0u));
  EXPECT_THAT(file->ReadAt(0, absl::Span<char>()), IsOkAndHolds(0u));
}

TYPED_TEST(FileContract, WritesPartsBackToBack) {
  const std::unique_ptr<File> file = this->Create("f");
  EXPECT_THAT(file->WriteAt(0, {"ab", "", "cde", absl::string_view(), "f"}), IsOk());
  EXPECT_EQ(ReadAll(*file), "abcdef");
  EXPECT_THAT(file->WriteAt(2, {"XY"}), IsOk());
  EXPECT_EQ(ReadAll(*file), "abXYef");
  EXPECT_THAT(file->WriteAt(0, {}), IsOk());
  EXPECT_THAT(file->Size(), IsOkAndHolds(6u));
}

TYPED_TEST(FileContract, WritesMorePartsThanOneSystemCallTakes) {
  const std::unique_ptr<File> file = this->Create("f");
  std::vector<std::string> texts;
  std::string all;
  for (int i = 0; i < 3000; ++i) {
    texts.push_back(i % 7 == 0 ? "" : std::to_string(i));
    all += texts.back();
  }
  const std::vector<absl::string_view> parts(texts.begin(), texts.end());
  EXPECT_THAT(file->WriteAt(0, parts), IsOk());
  EXPECT_EQ(ReadAll(*file), all);
}

TYPED_TEST(FileContract, FillsAGapWithZeros) {
  const std::unique_ptr<File> file = this->Create("f");
  EXPECT_THAT(file->WriteAt(3, {"x"}), IsOk());
  EXPECT_EQ(ReadAll(*file), std::string("\0\0\0x", 4));
}

TYPED_TEST(FileContract, TruncateCutsAndGrows) {
  const std::unique_ptr<File> file = this->CreateWith("f", "abcdef");
  EXPECT_THAT(file->Truncate(3), IsOk());
  EXPECT_EQ(ReadAll(*file), "abc");
  EXPECT_THAT(file->Truncate(5), IsOk());
  EXPECT_EQ(ReadAll(*file), std::string("abc\0\0", 5));
}

TYPED_TEST(FileContract, ReserveLeavesSizeAndContent) {
  const std::unique_ptr<File> file = this->CreateWith("f", "abc");
  EXPECT_THAT(file->Reserve(1 << 16), IsOk());
  EXPECT_THAT(file->Reserve(0), IsOk());
  EXPECT_THAT(file->Size(), IsOkAndHolds(3u));
  EXPECT_EQ(ReadAll(*file), "abc");
}

TYPED_TEST(FileContract, ReserveOfTooMuchIsDiskFull) {
  const std::unique_ptr<File> file = this->Create("f");
  EXPECT_THAT(file->Reserve(uint64_t{1} << 62), StatusIs(ErrorCode::kDiskFull));
}

TYPED_TEST(FileContract, SyncAndDropCacheKeepTheContent) {
  const std::unique_ptr<File> file = this->CreateWith("f", "abc");
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_THAT(file->WriteAt(3, {"unsynced"}), IsOk());
  EXPECT_THAT(file->DropCache(), IsOk());
  EXPECT_EQ(ReadAll(*file), "abcunsynced");
}

TYPED_TEST(FileContract, TwoOpenFilesSeeOneContent) {
  const std::unique_ptr<File> writer = this->Create("f");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> reader, this->fs().Open(this->Path("f"), OpenMode::kRead));
  EXPECT_THAT(writer->WriteAt(0, {"now"}), IsOk());
  EXPECT_EQ(ReadAll(*reader), "now");
}

TYPED_TEST(FileContract, FileOutlivesItsName) {
  const std::unique_ptr<File> file = this->CreateWith("f", "abc");
  EXPECT_THAT(this->fs().Remove(this->Path("f")), IsOk());
  EXPECT_THAT(file->WriteAt(3, {"def"}), IsOk());
  EXPECT_EQ(ReadAll(*file), "abcdef");
}

TYPED_TEST(FileContract, WriteToAFileOpenedForReadingFails) {
  this->CreateWith("f", "abc");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file, this->fs().Open(this->Path("f"), OpenMode::kRead));
  EXPECT_THAT(file->WriteAt(0, {"x"}), StatusIs(ErrorCode::kStorageError));
  EXPECT_FALSE(file->Truncate(0).ok());
  EXPECT_EQ(ReadAll(*file), "abc");
}

TYPED_TEST(FileContract, OpenModes) {
  EXPECT_TRUE(absl::IsNotFound(this->fs().Open(this->Path("f"), OpenMode::kRead).status()));
  EXPECT_TRUE(absl::IsNotFound(this->fs().Open(this->Path("f"), OpenMode::kReadWrite).status()));
  EXPECT_TRUE(absl::IsNotFound(this->fs().Open(this->Path("no/f"), OpenMode::kCreateNew).status()));
  this->CreateWith("f", "abc");
  const absl::Status again = this->fs().Open(this->Path("f"), OpenMode::kCreateNew).status();
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file,
                       this->fs().Open(this->Path("f"), OpenMode::kReadWrite));
  EXPECT_EQ(ReadAll(*file), "abc");
  EXPECT_THAT(file->WriteAt(0, {"x"}), IsOk());
  EXPECT_EQ(this->Content("f"), "xbc");
}

TYPED_TEST(FileContract, ErrorsNameOperationPathAndCause) {
  const absl::Status status = this->fs().Open(this->Path("missing"), OpenMode::kRead).status();
  EXPECT_EQ(status.message(), "open " + this->Path("missing") + ": No such file or directory");
  EXPECT_EQ(CodeOf(status), ErrorCode::kStorageError);
}

TYPED_TEST(FileContract, ListsSortedWithoutDots) {
  EXPECT_THAT(NamesOf(this->fs().List(this->root())), IsEmpty());
  this->Create("b");
  this->Create("c");
  EXPECT_THAT(this->fs().CreateDir(this->Path("a")), IsOk());
  this->Create("a/inner");
  EXPECT_THAT(NamesOf(this->fs().List(this->root())), ElementsAre("a/", "b", "c"));
  EXPECT_TRUE(absl::IsNotFound(this->fs().List(this->Path("missing")).status()));
  EXPECT_THAT(this->fs().List(this->Path("b")), StatusIs(ErrorCode::kStorageError));
}

TYPED_TEST(FileContract, ExistsTellsAbsenceFromAnError) {
  EXPECT_THAT(this->fs().Exists(this->Path("f")), IsOkAndHolds(false));
  EXPECT_THAT(this->fs().Exists(this->Path("no/f")), IsOkAndHolds(false));
  this->Create("f");
  EXPECT_THAT(this->fs().Exists(this->Path("f")), IsOkAndHolds(true));
  EXPECT_THAT(this->fs().Exists(this->root()), IsOkAndHolds(true));
  EXPECT_THAT(this->fs().Exists(this->Path("f/below-a-file")), StatusIs(ErrorCode::kStorageError));
}

TYPED_TEST(FileContract, CreateDir) {
  EXPECT_THAT(this->fs().CreateDir(this->Path("d")), IsOk());
  EXPECT_THAT(this->fs().CreateDir(this->Path("d")), IsOk());
  EXPECT_TRUE(absl::IsNotFound(this->fs().CreateDir(this->Path("no/d"))));
  this->Create("f");
  EXPECT_FALSE(this->fs().CreateDir(this->Path("f")).ok());
  EXPECT_THAT(NamesOf(this->fs().List(this->root())), ElementsAre("d/", "f"));
}

TYPED_TEST(FileContract, RenameReplacesAFile) {
  this->CreateWith("new", "new");
  this->CreateWith("old", "old");
  EXPECT_THAT(this->fs().Rename(this->Path("new"), this->Path("old")), IsOk());
  EXPECT_EQ(this->Content("old"), "new");
  EXPECT_THAT(NamesOf(this->fs().List(this->root())), ElementsAre("old"));
  EXPECT_TRUE(absl::IsNotFound(this->fs().Rename(this->Path("new"), this->Path("old"))));
  EXPECT_TRUE(absl::IsNotFound(this->fs().Rename(this->Path("old"), this->Path("no/old"))));
  EXPECT_EQ(this->Content("old"), "new");
}

TYPED_TEST(FileContract, RenameMovesADirectoryButReplacesNone) {
  EXPECT_THAT(this->fs().CreateDir(this->Path("a")), IsOk());
  EXPECT_THAT(this->fs().CreateDir(this->Path("empty")), IsOk());
  this->CreateWith("a/f", "abc");
  EXPECT_TRUE(absl::IsAlreadyExists(this->fs().Rename(this->Path("a"), this->Path("empty"))));
  EXPECT_THAT(this->fs().Rename(this->Path("a"), this->Path("empty/b")), IsOk());
  EXPECT_EQ(this->Content("empty/b/f"), "abc");
  EXPECT_THAT(NamesOf(this->fs().List(this->root())), ElementsAre("empty/"));
  EXPECT_FALSE(this->fs().Rename(this->Path("empty"), this->Path("empty/b/inside-itself")).ok());
}

TYPED_TEST(FileContract, RenameOfAFileDoesNotReplaceADirectory) {
  this->CreateWith("f", "abc");
  EXPECT_THAT(this->fs().CreateDir(this->Path("d")), IsOk());
  EXPECT_FALSE(this->fs().Rename(this->Path("f"), this->Path("d")).ok());
  EXPECT_EQ(this->Content("f"), "abc");
}

TYPED_TEST(FileContract, RemovesFilesAndEmptyDirectories) {
  this->Create("f");
  EXPECT_THAT(this->fs().CreateDir(this->Path("d")), IsOk());
  this->Create("d/f");
  EXPECT_THAT(this->fs().Remove(this->Path("d")), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(this->fs().Remove(this->Path("d/f")), IsOk());
  EXPECT_THAT(this->fs().Remove(this->Path("d")), IsOk());
  EXPECT_THAT(this->fs().Remove(this->Path("f")), IsOk());
  EXPECT_THAT(NamesOf(this->fs().List(this->root())), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(this->fs().Remove(this->Path("f"))));
}

TYPED_TEST(FileContract, SyncDir) {
  this->Create("f");
  EXPECT_THAT(this->fs().SyncDir(this->root()), IsOk());
  EXPECT_TRUE(absl::IsNotFound(this->fs().SyncDir(this->Path("missing"))));
  EXPECT_FALSE(this->fs().SyncDir(this->Path("f")).ok());
}

TYPED_TEST(FileContract, OpenDirectoryStaysGoodUnderAnotherName) {
  ASSERT_THAT(this->fs().CreateDir(this->Path("d")), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Directory> dir, this->fs().OpenDir(this->Path("d")));
  this->Create("d/f");
  EXPECT_THAT(dir->Sync(), IsOk());
  ASSERT_THAT(this->fs().Rename(this->Path("d"), this->Path("e")), IsOk());
  this->Create("e/g");
  EXPECT_THAT(dir->Sync(), IsOk());
  EXPECT_TRUE(absl::IsNotFound(this->fs().OpenDir(this->Path("d")).status()));
  EXPECT_FALSE(this->fs().OpenDir(this->Path("e/f")).ok());
}

TYPED_TEST(FileContract, SyncDirsSyncsAllAndTellsOfOneThatFails) {
  std::vector<std::string> dirs;
  for (int i = 0; i < 100; ++i) {
    dirs.push_back(this->Path("d" + std::to_string(i)));
    ASSERT_THAT(this->fs().CreateDir(dirs.back()), IsOk());
  }
  EXPECT_THAT(this->fs().SyncDirs(dirs), IsOk());
  EXPECT_THAT(this->fs().SyncDirs({}), IsOk());
  dirs[77] = this->Path("missing");
  EXPECT_FALSE(this->fs().SyncDirs(dirs).ok());
}

TYPED_TEST(FileContract, LockIsExclusiveWithinTheProcess) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileLock> lock, this->fs().Lock(this->Path("LOCK")));
  EXPECT_THAT(this->fs().Exists(this->Path("LOCK")), IsOkAndHolds(true));
  const absl::Status second = this->fs().Lock(this->Path("LOCK")).status();
  EXPECT_THAT(second, StatusIs(ErrorCode::kDirectoryLocked));
  EXPECT_THAT(std::string(second.message()), HasSubstr(this->Path("LOCK")));
  EXPECT_THAT(this->fs().Lock(this->Path("OTHER")), IsOk());
  lock.reset();
  EXPECT_THAT(this->fs().Lock(this->Path("LOCK")), IsOk());
}

TYPED_TEST(FileContract, OpeningTheLockFileDoesNotReleaseTheLock) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<FileLock> lock, this->fs().Lock(this->Path("LOCK")));
  EXPECT_THAT(this->fs().Open(this->Path("LOCK"), OpenMode::kReadWrite), IsOk());
  EXPECT_THAT(this->fs().Lock(this->Path("LOCK")), StatusIs(ErrorCode::kDirectoryLocked));
}

TYPED_TEST(FileContract, FreeSpace) {
  ASSERT_OK_AND_ASSIGN(const uint64_t free, this->fs().FreeSpace(this->root()));
  EXPECT_GT(free, 0u);
  EXPECT_TRUE(absl::IsNotFound(this->fs().FreeSpace(this->Path("missing")).status()));
}

}  // namespace
}  // namespace leat
