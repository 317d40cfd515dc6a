#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

// What a crash of the in-memory disk leaves behind, policy by policy.

namespace leat {
namespace {

constexpr CrashPolicy kAll[] = {CrashPolicy::kProcess, CrashPolicy::kPowerLossAll,
                                CrashPolicy::kPowerLossPrefix, CrashPolicy::kPowerLossSubset};
constexpr int kSeeds = 400;

std::unique_ptr<File> Open(FileSystem& fs, const std::string& path, OpenMode mode) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, mode);
  EXPECT_THAT(file, IsOk());
  return file.ok() ? *std::move(file) : nullptr;
}

void WriteAt(File& file, uint64_t offset, const std::string& bytes) {
  EXPECT_THAT(file.WriteAt(offset, {bytes}), IsOk());
}

// The content, or "absent".
std::string Content(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<std::string> content = ReadWholeFile(fs, path, 1 << 30);
  if (content.ok()) return *content;
  return absl::IsNotFound(content.status()) ? "absent" : content.status().ToString();
}

// All that a power loss may leave of `path`, over many seeds.
std::set<std::string> Leftovers(const MemoryFileSystem& fs, CrashPolicy policy, const std::string& path) {
  std::set<std::string> left;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const std::unique_ptr<MemoryFileSystem> crashed = fs.Clone();
    crashed->Crash(policy, seed);
    left.insert(Content(*crashed, path));
  }
  return left;
}

class MemoryCrashTest : public ::testing::Test {
 protected:
  // A durable file with durable content.
  std::unique_ptr<File> DurableFile(const std::string& path, const std::string& bytes) {
    std::unique_ptr<File> file = Open(fs_, path, OpenMode::kCreateNew);
    WriteAt(*file, 0, bytes);
    EXPECT_THAT(file->Sync(), IsOk());
    EXPECT_THAT(fs_.SyncDir("/"), IsOk());
    return file;
  }

  MemoryFileSystem fs_;
};

TEST_F(MemoryCrashTest, SyncedBytesUnderASyncedNameSurviveEverything) {
  DurableFile("/f", "synced");
  for (const CrashPolicy policy : kAll) {
    EXPECT_EQ(Leftovers(fs_, policy, "/f"), std::set<std::string>{"synced"});
  }
}

TEST_F(MemoryCrashTest, DeathOfTheProcessTakesNothing) {
  Open(fs_, "/f", OpenMode::kCreateNew)->WriteAt(0, {"abc"}).IgnoreError();
  ASSERT_THAT(fs_.CreateDir("/d"), IsOk());
  fs_.Crash(CrashPolicy::kProcess, 1);
  EXPECT_EQ(Content(fs_, "/f"), "abc");
  EXPECT_THAT(fs_.Exists("/d"), IsOkAndHolds(true));
}

TEST_F(MemoryCrashTest, WhatAProcessLeftUnsyncedIsStillUnsynced) {
  DurableFile("/f", "abc")->WriteAt(3, {"def"}).IgnoreError();
  fs_.Crash(CrashPolicy::kProcess, 1);
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Content(fs_, "/f"), "abc");
}

TEST_F(MemoryCrashTest, AnotherProcessMaySyncIt) {
  DurableFile("/f", "abc")->WriteAt(3, {"def"}).IgnoreError();
  fs_.Crash(CrashPolicy::kProcess, 1);
  EXPECT_THAT(Open(fs_, "/f", OpenMode::kReadWrite)->Sync(), IsOk());
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Content(fs_, "/f"), "abcdef");
}

TEST_F(MemoryCrashTest, PowerLossAllTakesUnsyncedBytesSizesAndNames) {
  const std::unique_ptr<File> file = DurableFile("/f", "abcdef");
  WriteAt(*file, 0, "X");
  EXPECT_THAT(file->Truncate(3), IsOk());
  DurableFile("/gone", "x");
  const std::unique_ptr<File> unnamed = Open(fs_, "/new", OpenMode::kCreateNew);
  EXPECT_THAT(unnamed->Sync(), IsOk()) << "which does not make its name durable";
  EXPECT_THAT(fs_.Remove("/gone"), IsOk());
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Content(fs_, "/f"), "abcdef");
  EXPECT_EQ(Content(fs_, "/new"), "absent");
  EXPECT_EQ(Content(fs_, "/gone"), "x");
}

TEST_F(MemoryCrashTest, SyncDirMakesNamesDurableButNotBytes) {
  const std::unique_ptr<File> file = Open(fs_, "/f", OpenMode::kCreateNew);
  WriteAt(*file, 0, "abc");
  EXPECT_THAT(fs_.SyncDir("/"), IsOk());
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Content(fs_, "/f"), "");
}

TEST_F(MemoryCrashTest, SyncDirCoversItsOwnNamesOnly) {
  ASSERT_THAT(fs_.CreateDir("/d"), IsOk());
  Open(fs_, "/d/f", OpenMode::kCreateNew);
  const std::unique_ptr<MemoryFileSystem> inner = fs_.Clone(), outer = fs_.Clone();
  EXPECT_THAT(inner->SyncDir("/d"), IsOk());
  inner->Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_THAT(inner->Exists("/d"), IsOkAndHolds(false));
  EXPECT_THAT(outer->SyncDir("/"), IsOk());
  outer->Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_THAT(outer->Exists("/d"), IsOkAndHolds(true));
  EXPECT_THAT(outer->Exists("/d/f"), IsOkAndHolds(false));
}

TEST_F(MemoryCrashTest, PrefixKeepsTheOrderOfOperationsAcrossFiles) {
  const std::unique_ptr<File> a = DurableFile("/a", ""), b = DurableFile("/b", "");
  WriteAt(*a, 0, "11");
  WriteAt(*b, 0, "22");
  WriteAt(*a, 2, "33");
  EXPECT_THAT(fs_.Rename("/a", "/c"), IsOk());
  std::set<std::string> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const std::unique_ptr<MemoryFileSystem> fs = fs_.Clone();
    fs->Crash(CrashPolicy::kPowerLossPrefix, seed);
    seen.insert(Content(*fs, "/a") + "|" + Content(*fs, "/b") + "|" + Content(*fs, "/c"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"||absent", "1||absent", "11||absent", "11|2|absent", "11|22|absent",
                                         "113|22|absent", "1133|22|absent", "absent|22|1133"}));
}

TEST_F(MemoryCrashTest, SubsetLosesSectorsIndependently) {
  const std::unique_ptr<File> file = DurableFile("/f", std::string(3 * 512, '.'));
  WriteAt(*file, 0, std::string(3 * 512, 'x'));
  std::set<std::string> patterns;
  int torn = 0;
  for (const std::string& left : Leftovers(fs_, CrashPolicy::kPowerLossSubset, "/f")) {
    ASSERT_EQ(left.size(), 3u * 512);
    std::string pattern;
    for (int sector = 0; sector < 3; ++sector) {
      const std::string bytes = left.substr(sector * 512, 512);
      if (bytes.find_first_not_of(bytes[0]) != std::string::npos) ++torn;
      pattern += bytes[0];
    }
    patterns.insert(pattern);
  }
  EXPECT_EQ(patterns.size(), 8u) << "every subset of three sectors";
  EXPECT_GT(torn, 10);
}

TEST_F(MemoryCrashTest, SubsetMayGrowWithZerosOrNotAtAll) {
  const std::unique_ptr<File> file = DurableFile("/f", "");
  WriteAt(*file, 0, std::string(1024, 'x'));
  const std::set<std::string> left = Leftovers(fs_, CrashPolicy::kPowerLossSubset, "/f");
  EXPECT_EQ(left.count(""), 1u);
  EXPECT_EQ(left.count(std::string(1024, '\0')), 1u);
  EXPECT_EQ(left.count(std::string(512, '\0') + std::string(512, 'x')), 1u);
  EXPECT_EQ(left.count(std::string(1024, 'x')), 1u);
}

TEST_F(MemoryCrashTest, SubsetTearsAtAnyByteAndLosesEarlierAppendsOfASector) {
  const std::unique_ptr<File> file = DurableFile("/f", "");
  WriteAt(*file, 0, "aaaa");
  WriteAt(*file, 4, "bbbb");
  std::set<std::string> left;
  for (int round = 0; round < 10; ++round) {
    left.merge(Leftovers(fs_, CrashPolicy::kPowerLossSubset, "/f"));
  }
  EXPECT_EQ(left.count("aaaa"), 1u);
  EXPECT_EQ(left.count("aaaabbbb"), 1u);
  EXPECT_EQ(left.count(std::string("aaaa\0\0\0\0", 8)), 1u);
}

TEST_F(MemoryCrashTest, SubsetOfATruncationKeepsOldOrNewSize) {
  const std::unique_ptr<File> file = DurableFile("/f", std::string(2000, 'x'));
  EXPECT_THAT(file->Truncate(100), IsOk());
  std::set<size_t> sizes;
  for (const std::string& left : Leftovers(fs_, CrashPolicy::kPowerLossSubset, "/f")) {
    sizes.insert(left.size());
    EXPECT_EQ(left.substr(0, 100), std::string(100, 'x'));
  }
  EXPECT_EQ(sizes, (std::set<size_t>{100, 2000}));
}

TEST_F(MemoryCrashTest, SubsetKeepsNamesIndependently) {
  for (const char* path : {"/a", "/b"}) Open(fs_, path, OpenMode::kCreateNew);
  std::set<std::string> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const std::unique_ptr<MemoryFileSystem> fs = fs_.Clone();
    fs->Crash(CrashPolicy::kPowerLossSubset, seed);
    seen.insert(Content(*fs, "/a") + "|" + Content(*fs, "/b"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"|", "absent|", "|absent", "absent|absent"}));
}

TEST_F(MemoryCrashTest, RenameNeverLosesItsFileNorMixesContents) {
  DurableFile("/old", "old");
  DurableFile("/new", "new");
  EXPECT_THAT(fs_.Rename("/new", "/old"), IsOk());
  std::set<std::string> seen;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const std::unique_ptr<MemoryFileSystem> fs = fs_.Clone();
    fs->Crash(CrashPolicy::kPowerLossSubset, seed);
    seen.insert(Content(*fs, "/old") + "|" + Content(*fs, "/new"));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"old|new", "new|absent", "new|new"}));
}

TEST_F(MemoryCrashTest, RenamedDirectoryIsInOnePlace) {
  ASSERT_THAT(CreateDirs(fs_, "/a/d"), IsOk());
  ASSERT_THAT(CreateDirs(fs_, "/b"), IsOk());
  EXPECT_THAT(fs_.Rename("/a/d", "/b/d"), IsOk());
  for (const CrashPolicy policy : kAll) {
    for (int seed = 0; seed < kSeeds; ++seed) {
      const std::unique_ptr<MemoryFileSystem> fs = fs_.Clone();
      fs->Crash(policy, seed);
      EXPECT_NE(Content(*fs, "/a/d") == "absent", Content(*fs, "/b/d") == "absent");
    }
  }
  EXPECT_THAT(fs_.SyncDir("/b"), IsOk());
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_THAT(fs_.Exists("/b/d"), IsOkAndHolds(true));
  EXPECT_THAT(fs_.Exists("/a/d"), IsOkAndHolds(false));
}

TEST_F(MemoryCrashTest, SyncOfTheFormerDirectoryDoesNotBringBackAReplacedFile) {
  ASSERT_THAT(CreateDirs(fs_, "/a"), IsOk());
  DurableFile("/a/f", "renamed");
  Open(fs_, "/f", OpenMode::kCreateNew);
  EXPECT_THAT(fs_.Rename("/a/f", "/f"), IsOk());
  EXPECT_THAT(fs_.SyncDir("/a"), IsOk());
  EXPECT_THAT(fs_.SyncDir("/"), IsOk());
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Content(fs_, "/f"), "renamed");
}

TEST_F(MemoryCrashTest, EqualSeedsLeaveEqualDisks) {
  SeededRandom random(7);
  for (int i = 0; i < 10; ++i) {
    const std::unique_ptr<File> file = Open(fs_, "/" + std::to_string(i), OpenMode::kCreateNew);
    for (int j = 0; j < 5; ++j) WriteAt(*file, random.Below(3000), random.Bytes(random.Below(2000)));
  }
  const auto disk_after = [this](CrashPolicy policy, uint64_t seed) {
    const std::unique_ptr<MemoryFileSystem> fs = fs_.Clone();
    fs->Crash(policy, seed);
    std::string disk;
    for (int i = 0; i < 10; ++i) disk += Content(*fs, "/" + std::to_string(i)) + "|";
    return disk;
  };
  for (const CrashPolicy policy : {CrashPolicy::kPowerLossPrefix, CrashPolicy::kPowerLossSubset}) {
    std::set<std::string> disks;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const std::string disk = disk_after(policy, seed);
      EXPECT_EQ(disk, disk_after(policy, seed));
      disks.insert(disk);
    }
    EXPECT_GT(disks.size(), 25u) << "other seeds usually leave other disks";
  }
}

TEST_F(MemoryCrashTest, CrashKillsOpenFilesAndReleasesLocks) {
  const std::unique_ptr<File> file = DurableFile("/f", "abc");
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<FileLock> lock, fs_.Lock("/LOCK"));
  fs_.Crash(CrashPolicy::kProcess, 1);
  std::string out(3, '\0');
  EXPECT_THAT(file->ReadAt(0, absl::MakeSpan(out)), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(file->WriteAt(0, {"x"}), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(file->Sync(), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(file->Size(), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(file->Truncate(0), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(file->Reserve(10), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(file->DropCache(), StatusIs(ErrorCode::kStorageError));
  EXPECT_EQ(Content(fs_, "/f"), "abc");
  EXPECT_THAT(fs_.Lock("/LOCK"), IsOk());
}

TEST_F(MemoryCrashTest, LockOfADeadProcessDoesNotReleaseThatOfTheNext) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileLock> dead, fs_.Lock("/LOCK"));
  fs_.Crash(CrashPolicy::kProcess, 1);
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<FileLock> next, fs_.Lock("/LOCK"));
  dead.reset();
  EXPECT_THAT(fs_.Lock("/LOCK"), StatusIs(ErrorCode::kDirectoryLocked));
}

TEST_F(MemoryCrashTest, CloneIsIndependent) {
  const std::unique_ptr<File> file = DurableFile("/f", "abc");
  WriteAt(*file, 3, "def");
  const std::unique_ptr<MemoryFileSystem> clone = fs_.Clone();
  WriteAt(*file, 6, "ghi");
  EXPECT_THAT(file->Sync(), IsOk());
  EXPECT_EQ(Content(*clone, "/f"), "abcdef");
  clone->Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Content(*clone, "/f"), "abc");
  EXPECT_EQ(Content(fs_, "/f"), "abcdefghi");
}

// A rename may leave a file with both names; its bytes count once.
TEST(MemoryCapacityTest, RoomIsCountedRightAfterAnyCrash) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    MemoryFileSystem fs;
    fs.SetCapacity(1000);
    {
      ASSERT_OK_AND_ASSIGN(const auto file, fs.Open("/f.tmp", OpenMode::kCreateNew));
      ASSERT_THAT(file->WriteAt(0, {std::string(100, 'x')}), IsOk());
      ASSERT_THAT(file->Sync(), IsOk());
    }
    ASSERT_THAT(fs.SyncDir("/"), IsOk());
    ASSERT_THAT(fs.Rename("/f.tmp", "/f"), IsOk());
    fs.Crash(CrashPolicy::kPowerLossSubset, seed);
    EXPECT_THAT(fs.FreeSpace("/"), IsOkAndHolds(900u));
    fs.Remove("/f.tmp").IgnoreError();
    fs.Remove("/f").IgnoreError();
    EXPECT_THAT(fs.FreeSpace("/"), IsOkAndHolds(1000u));
  }
}

}  // namespace
}  // namespace leat
