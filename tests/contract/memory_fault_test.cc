#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

// Faults on demand, the full disk and the stopped machine of the in-memory disk.

namespace leat {
namespace {

using ::testing::ElementsAre;

class MemoryFaultTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(file_, fs_.Open("/f", OpenMode::kCreateNew));
    ASSERT_THAT(file_->WriteAt(0, {"abc"}), IsOk());
    ASSERT_THAT(file_->Sync(), IsOk());
    ASSERT_THAT(fs_.SyncDir("/"), IsOk());
  }
  void Fail(FsOpKind kind) {
    fs_.SetFault([kind](const FsOp& op) {
      return op.kind == kind ? MakeError(ErrorCode::kStorageError, "injected") : absl::OkStatus();
    });
  }
  std::string Content() {
    const absl::StatusOr<std::string> content = ReadWholeFile(fs_, "/f", 1 << 20);
    return content.ok() ? *content : content.status().ToString();
  }

  MemoryFileSystem fs_;
  std::unique_ptr<File> file_;
};

TEST_F(MemoryFaultTest, FailedSyncLosesWhatWasDirtyAlthoughTheNextOneSucceeds) {
  ASSERT_THAT(file_->WriteAt(3, {"lost"}), IsOk());
  Fail(FsOpKind::kSync);
  EXPECT_THAT(file_->Sync(), StatusIs(ErrorCode::kStorageError));
  fs_.SetFault(nullptr);
  EXPECT_EQ(Content(), "abclost") << "it can still be read";
  ASSERT_THAT(file_->WriteAt(7, {"kept"}), IsOk());
  EXPECT_THAT(file_->Sync(), IsOk());
  EXPECT_EQ(Content(), "abclostkept");
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Content(), std::string("abc\0\0\0\0kept", 11));
}

TEST_F(MemoryFaultTest, DropCacheShowsWhatAFailedSyncLost) {
  ASSERT_THAT(file_->WriteAt(0, {"ABCDE"}), IsOk());
  Fail(FsOpKind::kSync);
  EXPECT_FALSE(file_->Sync().ok());
  fs_.SetFault(nullptr);
  ASSERT_THAT(file_->WriteAt(4, {"e"}), IsOk());
  EXPECT_EQ(Content(), "ABCDe");
  EXPECT_THAT(file_->DropCache(), IsOk());
  EXPECT_EQ(Content(), std::string("abc\0e", 5)) << "the device's bytes, and what is still dirty";
}

TEST_F(MemoryFaultTest, WhatAFailedSyncLostCannotSurviveAnyPowerLoss) {
  ASSERT_THAT(file_->WriteAt(0, {"XYZ"}), IsOk());
  Fail(FsOpKind::kSync);
  EXPECT_FALSE(file_->Sync().ok());
  for (const CrashPolicy policy : {CrashPolicy::kPowerLossPrefix, CrashPolicy::kPowerLossSubset}) {
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const std::unique_ptr<MemoryFileSystem> fs = fs_.Clone();
      fs->Crash(policy, seed);
      EXPECT_THAT(ReadWholeFile(*fs, "/f", 100), IsOkAndHolds("abc"));
    }
  }
}

TEST_F(MemoryFaultTest, FailedSyncDirLosesNames) {
  ASSERT_THAT(fs_.CreateDir("/d"), IsOk());
  Fail(FsOpKind::kSyncDir);
  EXPECT_THAT(fs_.SyncDir("/"), StatusIs(ErrorCode::kStorageError));
  fs_.SetFault(nullptr);
  EXPECT_THAT(fs_.Exists("/d"), IsOkAndHolds(true));
  EXPECT_THAT(fs_.SyncDir("/"), IsOk());
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_THAT(fs_.Exists("/d"), IsOkAndHolds(false));
}

TEST_F(MemoryFaultTest, FailedWriteLeavesSomePrefix) {
  Fail(FsOpKind::kWrite);
  bool some = false;
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(file_->WriteAt(3, {"defg"}).ok());
    EXPECT_EQ(std::string("abcdefg").substr(0, Content().size()), Content());
    some = some || Content().size() > 3;
    EXPECT_LT(Content().size(), 7u);
  }
  EXPECT_TRUE(some);
}

TEST_F(MemoryFaultTest, RefusedOperationsAreNotCarriedOut) {
  Fail(FsOpKind::kCreate);
  EXPECT_FALSE(fs_.Open("/new", OpenMode::kCreateNew).ok());
  Fail(FsOpKind::kCreateDir);
  EXPECT_FALSE(fs_.CreateDir("/d").ok());
  Fail(FsOpKind::kRename);
  EXPECT_FALSE(fs_.Rename("/f", "/g").ok());
  Fail(FsOpKind::kRemove);
  EXPECT_FALSE(fs_.Remove("/f").ok());
  Fail(FsOpKind::kTruncate);
  EXPECT_FALSE(file_->Truncate(0).ok());
  Fail(FsOpKind::kReserve);
  EXPECT_FALSE(file_->Reserve(100).ok());
  Fail(FsOpKind::kRead);
  char byte;
  EXPECT_FALSE(file_->ReadAt(0, absl::MakeSpan(&byte, 1)).ok());
  Fail(FsOpKind::kOpen);
  EXPECT_FALSE(fs_.Open("/f", OpenMode::kRead).ok());
  Fail(FsOpKind::kOpenDir);
  EXPECT_FALSE(fs_.OpenDir("/").ok());
  fs_.SetFault(nullptr);
  EXPECT_EQ(Content(), "abc");
  ASSERT_OK_AND_ASSIGN(const std::vector<DirEntry> entries, fs_.List("/"));
  EXPECT_EQ(entries.size(), 1u);
}

TEST_F(MemoryFaultTest, HookSeesKindPathAndNumbers) {
  const uint64_t operations = fs_.operations(), changes = fs_.changes();
  std::vector<std::string> seen;
  fs_.SetFault([&](const FsOp& op) {
    seen.push_back(absl::StrCat(static_cast<int>(op.kind), op.path, " ", op.number - operations, " ",
                                op.change - changes));
    return absl::OkStatus();
  });
  EXPECT_THAT(file_->Size(), IsOk());
  EXPECT_THAT(file_->WriteAt(0, {"x"}), IsOk());
  EXPECT_THAT(fs_.Exists("/f"), IsOk());
  EXPECT_THAT(fs_.SyncDir("/"), IsOk());
  const auto number = [](FsOpKind kind) { return std::to_string(static_cast<int>(kind)); };
  EXPECT_THAT(seen, ElementsAre(number(FsOpKind::kSize) + "/f 1 0", number(FsOpKind::kWrite) + "/f 2 1",
                                number(FsOpKind::kExists) + "/f 3 1", number(FsOpKind::kOpenDir) + "/ 4 1",
                                number(FsOpKind::kSyncDir) + "/ 5 2"));
  EXPECT_EQ(fs_.operations(), operations + 5);
  EXPECT_EQ(fs_.changes(), changes + 2);
}

TEST_F(MemoryFaultTest, HookMayUseTheFileSystem) {
  int clones = 0;
  fs_.SetFault([&](const FsOp&) {
    clones += fs_.Clone() != nullptr ? 1 : 0;
    return absl::OkStatus();
  });
  EXPECT_THAT(file_->Sync(), IsOk());
  EXPECT_EQ(clones, 1);
}

TEST_F(MemoryFaultTest, StoppedMachineDoesNothingMore) {
  fs_.StopAtChange(fs_.changes() + 2);
  EXPECT_THAT(file_->WriteAt(3, {"d"}), IsOk());
  EXPECT_EQ(Content(), "abcd");
  EXPECT_THAT(file_->Sync(), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(file_->WriteAt(4, {"e"}), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(fs_.Exists("/f"), StatusIs(ErrorCode::kStorageError));
  const std::unique_ptr<MemoryFileSystem> process = fs_.Clone();
  process->Crash(CrashPolicy::kProcess, 1);
  EXPECT_THAT(ReadWholeFile(*process, "/f", 100), IsOkAndHolds("abcd"));
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_EQ(Content(), "abc");
}

TEST_F(MemoryFaultTest, FullDiskTakesWhatFits) {
  fs_.SetCapacity(10);
  EXPECT_THAT(fs_.FreeSpace("/"), IsOkAndHolds(7u));
  EXPECT_THAT(file_->WriteAt(3, {"defg", "hijklm"}), StatusIs(ErrorCode::kDiskFull));
  EXPECT_EQ(Content(), "abcdefghij");
  EXPECT_THAT(file_->WriteAt(0, {"A"}), IsOk()) << "no new space";
  EXPECT_THAT(file_->WriteAt(10, {"k"}), StatusIs(ErrorCode::kDiskFull));
  EXPECT_THAT(file_->Truncate(5), IsOk());
  EXPECT_THAT(fs_.FreeSpace("/"), IsOkAndHolds(5u));
  EXPECT_THAT(fs_.Remove("/f"), IsOk());
  EXPECT_THAT(fs_.FreeSpace("/"), IsOkAndHolds(10u));
}

TEST_F(MemoryFaultTest, ReservedSpaceIsTakenFromTheDisk) {
  fs_.SetCapacity(10);
  EXPECT_THAT(file_->Reserve(11), StatusIs(ErrorCode::kDiskFull));
  EXPECT_THAT(file_->Reserve(9), IsOk());
  EXPECT_THAT(fs_.FreeSpace("/"), IsOkAndHolds(1u));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> other, fs_.Open("/g", OpenMode::kCreateNew));
  EXPECT_THAT(other->WriteAt(0, {"xx"}), StatusIs(ErrorCode::kDiskFull));
  EXPECT_THAT(file_->WriteAt(3, {"defghi"}), IsOk()) << "into its reservation";
  EXPECT_THAT(file_->Truncate(0), IsOk());
  EXPECT_THAT(fs_.FreeSpace("/"), IsOkAndHolds(9u));
}

TEST_F(MemoryFaultTest, SpaceIsCountedAnewAfterACrash) {
  fs_.SetCapacity(100);
  ASSERT_THAT(file_->WriteAt(3, {std::string(50, 'x')}), IsOk());
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  EXPECT_THAT(fs_.FreeSpace("/"), IsOkAndHolds(97u));
}

}  // namespace
}  // namespace leat
