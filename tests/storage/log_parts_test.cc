// File names, the pool of open files, and the file of one segment.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "storage/log/file_names.h"
#include "storage/log/file_pool.h"
#include "storage/log/segment_file.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

TEST(FileNamesTest, RoundTrip) {
  EXPECT_EQ(SegmentFileName(0, kLogSuffix), "00000000000000000000.log");
  EXPECT_EQ(SegmentFileName(12345678901234, kTimeIndexSuffix), "00000012345678901234.timeindex");
  EXPECT_EQ(TornFileName(42, 7), "00000000000000000042.torn-7");
  for (const Offset base : {Offset{0}, Offset{9}, Offset{1} << 40, Offset{1} << 62}) {
    const LogFileName name = ParseLogFileName(SegmentFileName(base, kIndexSuffix));
    EXPECT_EQ(name.kind, LogFileKind::kIndex);
    EXPECT_EQ(name.base, base);
  }
}

TEST(FileNamesTest, Kinds) {
  const std::string base(20, '0');
  EXPECT_EQ(ParseLogFileName(base + ".log").kind, LogFileKind::kLog);
  EXPECT_EQ(ParseLogFileName(base + ".timeindex").kind, LogFileKind::kTimeIndex);
  EXPECT_EQ(ParseLogFileName(base + ".torn-12-2").kind, LogFileKind::kTorn);
  EXPECT_EQ(ParseLogFileName(base + ".index.tmp").kind, LogFileKind::kTemporary);
  EXPECT_EQ(ParseLogFileName(kPreparedName).kind, LogFileKind::kTemporary);
  for (const std::string& name :
       {base, base + ".log.tmp", base + ".txt", std::string("0.log"), std::string(21, '0') + ".log",
        std::string(""), std::string("0000000000000000000x.log"), std::string("99999999999999999999.log"),
        std::string("09223372036854775807.log"), std::string("other.tmp"),
        std::string("-0000000000000000001.log")}) {
    EXPECT_EQ(ParseLogFileName(name).kind, LogFileKind::kUnknown) << name;
  }
}

class FilePoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<PooledFile> NewFile(int i) {
    const std::string path = "/file-" + std::to_string(i);
    EXPECT_THAT(fs_.Open(path, OpenMode::kCreateNew), IsOk());
    return std::make_unique<PooledFile>(pool_, path);
  }
  MemoryFileSystem fs_;
  FilePool pool_{fs_, 3};
};

TEST_F(FilePoolTest, ClosesTheLeastRecentlyUsed) {
  std::vector<std::unique_ptr<PooledFile>> files;
  for (int i = 0; i < 4; ++i) files.push_back(NewFile(i));
  for (int i = 0; i < 3; ++i) ASSERT_THAT(pool_.Get(*files[i]), IsOk());
  ASSERT_THAT(pool_.Get(*files[0]), IsOk());
  ASSERT_THAT(pool_.Get(*files[3]), IsOk());
  EXPECT_EQ(pool_.open_files(), 3u);
  const uint64_t before = fs_.operations();
  for (const int i : {0, 2, 3}) ASSERT_THAT(pool_.Get(*files[i]), IsOk());
  EXPECT_EQ(fs_.operations(), before);
  ASSERT_THAT(pool_.Get(*files[1]), IsOk());
  EXPECT_GT(fs_.operations(), before);
}

TEST_F(FilePoolTest, ManyHeldFilesDoNotSwitchTheBoundOff) {
  std::vector<std::unique_ptr<PooledFile>> files;
  std::vector<std::shared_ptr<File>> held;
  for (int i = 0; i < 200; ++i) {
    files.push_back(NewFile(i));
    ASSERT_OK_AND_ASSIGN(std::shared_ptr<File> file, pool_.Get(*files.back()));
    held.push_back(std::move(file));
  }
  size_t most = 0;
  for (int i = 200; i < 1000; ++i) {
    files.push_back(NewFile(i));
    ASSERT_THAT(pool_.Get(*files.back()), IsOk());
    most = std::max(most, pool_.open_files());
  }
  EXPECT_LT(most, 220u);
  held.clear();
  for (int i = 0; i < 10; ++i) ASSERT_THAT(pool_.Get(*files[i * 50]), IsOk());
  EXPECT_EQ(pool_.open_files(), 3u);
}

TEST_F(FilePoolTest, NeverClosesWhatSomebodyHolds) {
  std::vector<std::unique_ptr<PooledFile>> files;
  std::vector<std::shared_ptr<File>> held;
  for (int i = 0; i < 6; ++i) {
    files.push_back(NewFile(i));
    ASSERT_OK_AND_ASSIGN(std::shared_ptr<File> file, pool_.Get(*files.back()));
    held.push_back(std::move(file));
  }
  EXPECT_EQ(pool_.open_files(), 6u);
  const uint64_t before = fs_.operations();
  for (const auto& file : files) EXPECT_THAT(pool_.Get(*file), IsOk());
  EXPECT_EQ(fs_.operations(), before);
  held.clear();
  files.push_back(NewFile(6));
  ASSERT_THAT(pool_.Get(*files.back()), IsOk());
  EXPECT_EQ(pool_.open_files(), 3u);
}

TEST_F(FilePoolTest, AFileOutlivesItsPlaceInThePool) {
  std::shared_ptr<File> file;
  {
    const std::unique_ptr<PooledFile> pooled = NewFile(0);
    ASSERT_OK_AND_ASSIGN(file, pool_.Get(*pooled));
  }
  EXPECT_EQ(pool_.open_files(), 0u);
  EXPECT_THAT(file->Size(), IsOkAndHolds(0u));
}

class SegmentFileTest : public ::testing::Test {
 protected:
  SegmentFileTest() {
    absl::StatusOr<std::unique_ptr<File>> created = fs_.Open("/log", OpenMode::kCreateNew);
    EXPECT_THAT(created, IsOk());
    file_ = std::make_unique<SegmentFile>(pool_, "/log", 0, *std::move(created));
  }
  absl::Status Write(uint64_t position, absl::string_view bytes) {
    if (absl::Status status = file_->Hold(); !status.ok()) return status;
    return file_->Write(position, bytes);
  }
  int Syncs() const { return syncs_; }
  void CountSyncs(absl::Status answer) {
    fs_.SetFault([this, answer](const FsOp& op) {
      if (op.kind != FsOpKind::kSync) return absl::OkStatus();
      ++syncs_;
      return answer;
    });
  }

  MemoryFileSystem fs_;
  FilePool pool_{fs_, 1};
  std::unique_ptr<SegmentFile> file_;
  int syncs_ = 0;
};

TEST_F(SegmentFileTest, SyncsOnlyWhatIsUnsynced) {
  CountSyncs(absl::OkStatus());
  EXPECT_THAT(file_->Sync(), IsOk());
  EXPECT_EQ(Syncs(), 0);
  EXPECT_THAT(Write(0, "abc"), IsOk());
  EXPECT_TRUE(file_->has_unsynced());
  EXPECT_THAT(file_->Sync(), IsOk());
  EXPECT_THAT(file_->Sync(), IsOk());
  EXPECT_EQ(Syncs(), 1);
  EXPECT_FALSE(file_->has_unsynced());
}

// Linux tells of a failed writeback once; after that a sync "succeeds" without the bytes being there.
TEST_F(SegmentFileTest, AFailedSyncIsFinal) {
  EXPECT_THAT(Write(0, "abc"), IsOk());
  CountSyncs(MakeError(ErrorCode::kStorageError, "device gone"));
  EXPECT_THAT(file_->Sync(), StatusIs(ErrorCode::kStorageError));
  CountSyncs(absl::OkStatus());
  syncs_ = 0;
  EXPECT_THAT(file_->Sync(), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(file_->failure(), StatusIs(ErrorCode::kStorageError));
  EXPECT_THAT(Write(3, "d"), StatusIs(ErrorCode::kStorageError));
  EXPECT_EQ(Syncs(), 0);
  EXPECT_TRUE(file_->has_unsynced());
}

// ENOSPC from a sync is a failed sync, not a full disk (R11).
TEST_F(SegmentFileTest, AFullDiskInASyncIsAFailedSync) {
  EXPECT_THAT(Write(0, "abc"), IsOk());
  CountSyncs(MakeError(ErrorCode::kDiskFull, "no space"));
  EXPECT_THAT(file_->Sync(), StatusIs(ErrorCode::kStorageError));
}

TEST_F(SegmentFileTest, StaysOpenWhileItHasUnsyncedBytes) {
  PooledFile other(pool_, "/log2");
  ASSERT_THAT(fs_.Open("/log2", OpenMode::kCreateNew), IsOk());
  EXPECT_THAT(Write(0, "abc"), IsOk());
  EXPECT_THAT(pool_.Get(other), IsOk());
  EXPECT_EQ(pool_.open_files(), 2u);  // one above the bound
  EXPECT_THAT(file_->Sync(), IsOk());
  EXPECT_THAT(pool_.Get(other), IsOk());
  PooledFile third(pool_, "/log2");
  EXPECT_THAT(pool_.Get(third), IsOk());
  EXPECT_EQ(pool_.open_files(), 1u);
}

// A write that is under way when a sync begins is not covered by it.
TEST_F(SegmentFileTest, ASyncDoesNotCoverAWriteThatHasOnlyBegun) {
  fs_.SetFault([this](const FsOp& op) {
    if (op.kind == FsOpKind::kWrite) {
      EXPECT_THAT(file_->Sync(), IsOk());
    }
    return absl::OkStatus();
  });
  EXPECT_THAT(Write(0, "abc"), IsOk());
  EXPECT_TRUE(file_->has_unsynced());
}

// Nor is one that begins while it is under way.
TEST_F(SegmentFileTest, ASyncCoversOnlyWritesThatHadEnded) {
  EXPECT_THAT(Write(0, "abc"), IsOk());
  fs_.SetFault([this](const FsOp& op) {
    if (op.kind == FsOpKind::kSync && syncs_++ == 0) {
      EXPECT_THAT(Write(3, "def"), IsOk());
    }
    return absl::OkStatus();
  });
  EXPECT_THAT(file_->Sync(), IsOk());
  EXPECT_TRUE(file_->has_unsynced());
  EXPECT_THAT(file_->Sync(), IsOk());
  EXPECT_FALSE(file_->has_unsynced());
  EXPECT_EQ(Syncs(), 2);
}

}  // namespace
}  // namespace leat
