// Directories that are not ours, not whole, or not readable.

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/endian.h"
#include "storage/journal/journal_format.h"
#include "storage/meta/checkpoint.h"
#include "storage/meta/format_file.h"
#include "tests/storage/store_harness.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kMetadataFile[] = "/data/meta/__metadata-0/00000000000000000000.log";

class StoreDamageTest : public testing::Test {
 protected:
  // A directory with two topics, stopped cleanly or not.
  void Prepare(bool clean) {
    SimStore sim(fs_, 1, WithCommitMode(CommitMode::kDirect));
    ASSERT_THAT(sim.Open(), IsOk());
    ASSERT_THAT(sim.store().CreateTopic({"a", 2, {}}), IsOk());
    ASSERT_THAT(sim.store().CreateTopic({"b", 1, {}}), IsOk());
    for (int i = 0; i < 3; ++i) {
      ASSERT_THAT(sim.Append("a", 0, {absl::StrCat("a", i)}), IsOk());
      ASSERT_THAT(sim.Append("b", 0, {absl::StrCat("b", i)}), IsOk());
    }
    sim.runtime().RunFor(absl::Seconds(6));
    if (clean) {
      ASSERT_THAT(sim.store().Close(), IsOk());
    }
  }

  std::string Bytes(const std::string& path) {
    return ReadWholeFile(fs_, path, 1 << 20).value_or("unreadable");
  }

  void Put(const std::string& path, const std::string& bytes) {
    fs_.Remove(path).IgnoreError();
    ASSERT_OK_AND_ASSIGN(const auto file, fs_.Open(path, OpenMode::kCreateNew));
    ASSERT_THAT(file->WriteAt(0, {bytes}), IsOk());
  }

  void Flip(const std::string& path, size_t at) {
    std::string bytes = Bytes(path);
    bytes.at(at) ^= 0x40;
    Put(path, bytes);
  }

  absl::Status OpenNow() {
    sim_ = std::make_unique<SimStore>(fs_, 2, WithCommitMode(CommitMode::kDirect));
    return sim_->Open();
  }

  // Opening fails like this and leaves every byte as it was.
  void ExpectRefused(ErrorCode code, const std::string& message) {
    const auto before = Snapshot(fs_, kStoreDir);
    const absl::Status opened = OpenNow();
    EXPECT_THAT(opened, StatusIs(code));
    EXPECT_THAT(std::string(opened.message()), HasSubstr(message));
    EXPECT_EQ(Snapshot(fs_, kStoreDir), before);
  }

  MemoryFileSystem fs_;
  std::unique_ptr<SimStore> sim_;
};

TEST_F(StoreDamageTest, NewerFormatIsLeftAlone) {
  Prepare(true);
  Put("/data/format", "leat data directory\nversion 2\n");
  ExpectRefused(ErrorCode::kUnsupportedFormat, "format version 2");
}

TEST_F(StoreDamageTest, DamagedFormatIsLeftAlone) {
  Prepare(true);
  const std::string format = Bytes("/data/format");
  Put("/data/format", "");
  ExpectRefused(ErrorCode::kUnsupportedFormat, "format");
  Put("/data/format", std::string(100, '\0'));
  ExpectRefused(ErrorCode::kUnsupportedFormat, "format");
  Put("/data/format", format.substr(0, format.size() - 1));
  ExpectRefused(ErrorCode::kUnsupportedFormat, "checksum");
}

TEST_F(StoreDamageTest, MissingFormatIsNotTakenForAFirstStart) {
  Prepare(true);
  ASSERT_THAT(fs_.Remove("/data/format"), IsOk());
  ExpectRefused(ErrorCode::kUnsupportedFormat, "no file \"format\"");
}

TEST_F(StoreDamageTest, ForeignDirectoryIsLeftAlone) {
  ASSERT_THAT(fs_.CreateDir("/data"), IsOk());
  Put("/data/thesis.tex", "years of work");
  ExpectRefused(ErrorCode::kUnsupportedFormat, "thesis.tex");
}

TEST_F(StoreDamageTest, CheckpointOfAnotherDirectoryProvesNothing) {
  Prepare(true);
  Checkpoint checkpoint;
  checkpoint.data_id = MakeUuid(1, 1);
  ASSERT_THAT(WriteCheckpoint(fs_, "/data/meta", checkpoint), IsOk());
  // Another directory's checkpoint proves nothing, and says so.
  ASSERT_THAT(OpenNow(), IsOk());
  EXPECT_THAT(sim_->store().recovery().notes, Contains(HasSubstr("checkpoint cannot be used")));
}

TEST_F(StoreDamageTest, MissingJournalIsNotTakenForACleanOne) {
  for (const bool clean : {true, false}) {
    fs_.Crash(CrashPolicy::kProcess, 1);
    RemoveTree(fs_, kStoreDir).IgnoreError();
    Prepare(clean);
    ASSERT_THAT(fs_.Rename("/data/journal", "/unmounted"), IsOk());
    ExpectRefused(ErrorCode::kDataLoss, "journal_dir");
    ASSERT_THAT(fs_.CreateDir("/data/journal"), IsOk());
    ExpectRefused(ErrorCode::kDataLoss, "is missing");
    ASSERT_THAT(fs_.Remove("/data/journal"), IsOk());
    ASSERT_THAT(fs_.Rename("/unmounted", "/data/journal"), IsOk());
    EXPECT_THAT(OpenNow(), IsOk());
    EXPECT_THAT(sim_->ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"a0", "a1", "a2"}));
    sim_.reset();
  }
}

TEST_F(StoreDamageTest, JournalOfAnotherDirectoryIsRefused) {
  Prepare(true);
  ASSERT_OK_AND_ASSIGN(const std::vector<DirEntry> files, fs_.List("/data/journal"));
  ASSERT_EQ(files.size(), 1u);
  Put("/data/journal/" + files[0].name,
      EncodeJournalFileHeader({MakeUuid(1, 2), /*epoch=*/1, /*first_sequence=*/1, /*accepted_sequence=*/0}));
  ExpectRefused(ErrorCode::kDataLoss, "another data directory");
}

TEST_F(StoreDamageTest, NewerJournalIsRefused) {
  Prepare(true);
  ASSERT_OK_AND_ASSIGN(const std::vector<DirEntry> files, fs_.List("/data/journal"));
  std::string header = Bytes("/data/journal/" + files[0].name).substr(0, 60);
  header[11] = 2;  // version
  const std::string covered = header.substr(0, 56);
  StoreBigEndian(header.data() + 56, Crc32c(covered));
  Put("/data/journal/" + files[0].name, header);
  ExpectRefused(ErrorCode::kUnsupportedFormat, "newer");
}

TEST_F(StoreDamageTest, MetadataLogIsNeverTakenForAbsent) {
  for (const bool clean : {true, false}) {
    fs_.Crash(CrashPolicy::kProcess, 1);
    if (fs_.Exists("/data").value_or(false)) {
      ASSERT_THAT(RemoveTree(fs_, "/data"), IsOk());
    }
    Prepare(clean);
    ASSERT_THAT(fs_.Rename("/data/meta/__metadata-0", "/data/gone"), IsOk());
    EXPECT_THAT(OpenNow(), StatusIs(ErrorCode::kDataLoss));
    ASSERT_THAT(fs_.Rename("/data/gone", "/data/meta/__metadata-0"), IsOk());
    const std::string bytes = Bytes(kMetadataFile);
    ASSERT_THAT(fs_.Remove(kMetadataFile), IsOk());
    EXPECT_THAT(OpenNow(), StatusIs(ErrorCode::kDataLoss));
    Put(kMetadataFile, "");
    EXPECT_THAT(OpenNow(), StatusIs(ErrorCode::kDataLoss));
    Put(kMetadataFile, bytes.substr(0, bytes.size() - 1));
    EXPECT_THAT(OpenNow(), StatusIs(ErrorCode::kDataLoss));
    Put(kMetadataFile, bytes);
    EXPECT_THAT(OpenNow(), IsOk());
    sim_.reset();
  }
}

TEST_F(StoreDamageTest, EveryDamagedByteOfTheMetadataLogIsNoticed) {
  Prepare(false);
  const std::string bytes = Bytes(kMetadataFile);
  const auto topics = Snapshot(fs_, "/data/topics");
  for (size_t at = 0; at < bytes.size(); ++at) {
    Flip(kMetadataFile, at);
    const absl::Status opened = OpenNow();
    // The leader epoch of a batch is the one field that no checksum covers.
    if (opened.ok()) {
      EXPECT_EQ(sim_->store().Topics().size(), 2u) << at;
    } else {
      EXPECT_THAT(opened, StatusIs(ErrorCode::kDataLoss)) << at;
      EXPECT_EQ(Snapshot(fs_, "/data/topics"), topics);
    }
    sim_.reset();
    Put(kMetadataFile, bytes);
  }
}

TEST_F(StoreDamageTest, DamageInTheMetadataLogThatRecordsFollowIsNotATornTail) {
  Prepare(false);
  // Without a checkpoint nothing else tells that the first record was promised.
  ASSERT_THAT(fs_.Remove("/data/meta/checkpoint"), IsOk());
  Flip(kMetadataFile, 70);
  EXPECT_THAT(OpenNow(), StatusIs(ErrorCode::kDataLoss));
}

TEST_F(StoreDamageTest, UnreadableCheckpointCutsNothing) {
  for (const std::string& damage :
       {std::string(), std::string("LEATCKPT and then garbage"), std::string(500, '\0')}) {
    fs_.Crash(CrashPolicy::kProcess, 1);
    if (fs_.Exists("/data").value_or(false)) {
      ASSERT_THAT(RemoveTree(fs_, "/data"), IsOk());
    }
    Prepare(true);
    Put("/data/meta/checkpoint", damage);
    ASSERT_THAT(OpenNow(), IsOk());
    EXPECT_FALSE(sim_->store().recovery().clean);
    EXPECT_THAT(sim_->store().recovery().notes, Contains(HasSubstr("checkpoint cannot be used")));
    EXPECT_EQ(sim_->store().recovery().bytes_cut, 0u);
    EXPECT_THAT(sim_->ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"a0", "a1", "a2"}));
    sim_.reset();
  }
}

// A read error says nothing about what was promised, and it passes: the evidence must still be there then.
TEST_F(StoreDamageTest, CheckpointThatCannotBeReadIsNotTakenForDamaged) {
  Prepare(true);
  for (const FsOpKind kind : {FsOpKind::kOpen, FsOpKind::kSize, FsOpKind::kRead}) {
    fs_.SetFault([kind](const FsOp& op) {
      return op.kind == kind && op.path == "/data/meta/checkpoint"
                 ? MakeError(ErrorCode::kStorageError, "the disk cannot be read")
                 : absl::OkStatus();
    });
    EXPECT_THAT(OpenNow(), StatusIs(ErrorCode::kStorageError));
    fs_.SetFault(nullptr);
  }
  // It would be told from a torn tail by the checkpoint alone.
  Put("/data/topics/a-0/00000000000000000000.log", "");
  ASSERT_THAT(OpenNow(), IsOk());
  EXPECT_EQ(sim_->store().recovery().partitions_fenced, 1u);
}

TEST_F(StoreDamageTest, PartitionWithoutEvidenceStaysFencedOverRestarts) {
  Prepare(true);
  ASSERT_THAT(fs_.Remove("/data/meta/checkpoint"), IsOk());
  Flip("/data/topics/a-0/00000000000000000000.log", 70);
  for (int start = 0; start < 3; ++start) {
    ASSERT_THAT(OpenNow(), IsOk());
    EXPECT_EQ(sim_->store().recovery().partitions_fenced, 1u) << start;
    EXPECT_THAT(sim_->Append("a", 0, {"more"}), StatusIs(ErrorCode::kPartitionFenced));
    EXPECT_THAT(sim_->Append("a", 1, {"others go on"}), IsOk());
    sim_->runtime().RunFor(absl::Seconds(6));
    if (start == 1) {
      ASSERT_THAT(sim_->store().Close(), IsOk());
    }
    sim_.reset();
  }
}

TEST_F(StoreDamageTest, PartitionThatCannotBeReadIsFencedAndTheRestGoesOn) {
  for (const bool clean : {true, false}) {
    fs_.Crash(CrashPolicy::kProcess, 1);
    if (fs_.Exists("/data").value_or(false)) {
      ASSERT_THAT(RemoveTree(fs_, "/data"), IsOk());
    }
    Prepare(clean);
    fs_.SetFault([](const FsOp& op) {
      return op.kind == FsOpKind::kRead && op.path == "/data/topics/a-0/00000000000000000000.log"
                 ? MakeError(ErrorCode::kStorageError, "the disk cannot be read")
                 : absl::OkStatus();
    });
    ASSERT_THAT(OpenNow(), IsOk());
    EXPECT_EQ(sim_->store().recovery().partitions_fenced, 1u);
    EXPECT_EQ(sim_->store().recovery().partitions_damaged, 1u);
    EXPECT_THAT(sim_->store().recovery().notes, Contains(HasSubstr("the disk cannot be read")));
    EXPECT_THAT(sim_->Append("a", 0, {"more"}), StatusIs(ErrorCode::kPartitionFenced));
    EXPECT_THAT(sim_->ReadAll("b", 0), IsOkAndHolds(std::vector<std::string>{"b0", "b1", "b2"}));
    EXPECT_THAT(sim_->Append("b", 0, {"more"}), IsOk());
    ASSERT_THAT(sim_->store().Close(), IsOk());
    sim_.reset();
    // Nothing was given up.
    fs_.SetFault(nullptr);
    ASSERT_THAT(OpenNow(), IsOk());
    EXPECT_EQ(sim_->store().recovery().partitions_fenced, 0u);
    EXPECT_THAT(sim_->ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"a0", "a1", "a2"}));
    EXPECT_THAT(sim_->Append("a", 0, {"more"}), IsOk());
    sim_.reset();
  }
}

TEST_F(StoreDamageTest, MetadataThatCannotBeReadStopsTheStart) {
  Prepare(true);
  for (const FsOpKind kind : {FsOpKind::kOpen, FsOpKind::kSize, FsOpKind::kRead}) {
    fs_.SetFault([kind](const FsOp& op) {
      return op.kind == kind && op.path == kMetadataFile
                 ? MakeError(ErrorCode::kStorageError, "the disk cannot be read")
                 : absl::OkStatus();
    });
    EXPECT_THAT(OpenNow(), StatusIs(ErrorCode::kStorageError));
  }
  fs_.SetFault(nullptr);
  EXPECT_THAT(OpenNow(), IsOk());
}

TEST_F(StoreDamageTest, MissingPartitionIsFencedAndTheRestGoesOn) {
  Prepare(true);
  ASSERT_THAT(RemoveTree(fs_, "/data/topics/a-0"), IsOk());
  ASSERT_THAT(OpenNow(), IsOk());
  EXPECT_EQ(sim_->store().recovery().partitions_fenced, 1u);
  EXPECT_THAT(sim_->store().recovery().notes, Contains(HasSubstr("a-0: the directory is missing")));
  EXPECT_THAT(sim_->Append("a", 0, {"more"}), StatusIs(ErrorCode::kPartitionFenced));
  EXPECT_THAT(sim_->ReadAll("b", 0), IsOkAndHolds(std::vector<std::string>{"b0", "b1", "b2"}));
}

TEST_F(StoreDamageTest, DeletingATopicWhoseDirectoryIsMissingStopsNothing) {
  Prepare(true);
  ASSERT_THAT(RemoveTree(fs_, "/data/topics/a-0"), IsOk());
  ASSERT_THAT(OpenNow(), IsOk());
  EXPECT_THAT(sim_->store().DeleteTopic("a"), IsOk());
  EXPECT_TRUE(sim_->listener().failures().empty());
  EXPECT_THAT(sim_->Append("b", 0, {"more"}), IsOk());
  EXPECT_THAT(sim_->store().CreateTopic({"a", 1, {}}), IsOk());
}

TEST_F(StoreDamageTest, TopicsDirectoryThatIsMadeAnewIsDurable) {
  {
    SimStore sim(fs_, 1);
    ASSERT_THAT(sim.Open(), IsOk());
    ASSERT_THAT(sim.store().Close(), IsOk());
  }
  ASSERT_THAT(fs_.Remove("/data/topics"), IsOk());
  ASSERT_THAT(fs_.SyncDir("/data"), IsOk());
  {
    SimStore sim(fs_, 2);
    ASSERT_THAT(sim.Open(), IsOk());
    ASSERT_THAT(sim.store().CreateTopic({"a", 1, {}}), IsOk());
    ASSERT_THAT(sim.Append("a", 0, {"kept"}), IsOk());
    sim.runtime().RunUntilIdle();
  }
  fs_.Crash(CrashPolicy::kPowerLossAll, 1);
  ASSERT_THAT(OpenNow(), IsOk());
  EXPECT_THAT(sim_->ReadAll("a", 0), IsOkAndHolds(std::vector<std::string>{"kept"}));
}

TEST_F(StoreDamageTest, OrphanWithRecordsIsKeptAside) {
  Prepare(true);
  ASSERT_THAT(fs_.CreateDir("/data/topics/lost-7"), IsOk());
  Put("/data/topics/lost-7/00000000000000000000.log", "somebody's records");
  ASSERT_THAT(fs_.CreateDir("/data/topics/empty-0"), IsOk());
  Put("/data/topics/empty-0/00000000000000000000.log", "");
  Put("/data/topics/README", "notes of an operator");
  ASSERT_THAT(fs_.CreateDir("/data/topics/lost+found"), IsOk());
  ASSERT_THAT(fs_.CreateDir("/data/topics/my notes-1"), IsOk());
  ASSERT_THAT(OpenNow(), IsOk());
  EXPECT_THAT(sim_->store().recovery().notes, Contains(HasSubstr("lost-7")));
  EXPECT_THAT(sim_->store().recovery().notes, Contains(HasSubstr("empty-0")));
  EXPECT_THAT(sim_->store().recovery().notes, Contains(HasSubstr("README")));
  EXPECT_EQ(Bytes("/data/kept/lost-7.1/00000000000000000000.log"), "somebody's records");
  EXPECT_THAT(fs_.Exists("/data/topics/lost-7"), IsOkAndHolds(false));
  EXPECT_THAT(fs_.Exists("/data/topics/empty-0"), IsOkAndHolds(false));
  EXPECT_EQ(Bytes("/data/topics/README"), "notes of an operator");
  EXPECT_THAT(fs_.Exists("/data/topics/lost+found"), IsOkAndHolds(true));
  EXPECT_THAT(fs_.Exists("/data/topics/my notes-1"), IsOkAndHolds(true));
  ASSERT_THAT(sim_->store().CreateTopic({"lost", 8, {}}), IsOk());
}

TEST_F(StoreDamageTest, InterruptedFirstStartIsCompleted) {
  uint64_t changes = 0;
  {
    MemoryFileSystem whole;
    SimStore sim(whole, 1);
    ASSERT_THAT(sim.Open(), IsOk());
    changes = whole.changes();
  }
  for (uint64_t stop = 1; stop <= changes; ++stop) {
    MemoryFileSystem fs;
    fs.StopAtChange(stop);
    {
      SimStore sim(fs, 1);
      EXPECT_FALSE(sim.Open().ok() && stop + 1 < changes);
    }
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const std::unique_ptr<MemoryFileSystem> disk = fs.Clone();
      disk->Crash(CrashPolicy::kPowerLossSubset, seed);
      SimStore sim(*disk, 2);
      ASSERT_THAT(sim.Open(), IsOk()) << "stopped at change " << stop;
      EXPECT_THAT(sim.store().CreateTopic({"a", 1, {}}), IsOk());
    }
  }
}

}  // namespace
}  // namespace leat
