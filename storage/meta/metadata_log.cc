#include "storage/meta/metadata_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/error.h"
#include "protocol/record/record_iterator.h"
#include "protocol/record/validate.h"
#include "storage/log/file_names.h"
#include "storage/log/segment_scanner.h"
#include "storage/meta/layout.h"

namespace leat {
namespace {

constexpr uint64_t kReadBytes = 1 << 20;

absl::Status Damaged(const std::string& dir, absl::string_view what) {
  return MakeError(ErrorCode::kDataLoss, absl::StrCat("the metadata log ", dir, " is damaged: ", what,
                                                      "; restore the data directory from a backup"));
}

// Damage that recovery would keep and go around in a topic is too much here.
absl::Status CheckSound(const std::string& dir, const RecoveredPartition& recovered) {
  if (!recovered.write_status.ok()) return Damaged(dir, recovered.write_status.message());
  for (const RecoveredSegment& segment : recovered.segments) {
    if (segment.damage.has_value()) {
      return Damaged(
          dir, absl::StrCat("something in the segment from offset ", segment.base, " on cannot be read"));
    }
  }
  if (recovered.segments.empty() || recovered.segments.front().base != 0) {
    return Damaged(dir, "its beginning is missing");
  }
  return absl::OkStatus();
}

// Each record is durable before the next one is appended, so that damage with a valid batch behind it cannot
// be a torn tail, whatever the checkpoint knows of it. Changes nothing.
absl::Status CheckNothingFollowsDamage(FileSystem& fs, const std::string& dir) {
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(dir);
  if (!entries.ok()) return entries.status();
  bool damaged = false;
  for (const DirEntry& entry : *entries) {
    const LogFileName name = ParseLogFileName(entry.name);
    if (name.kind != LogFileKind::kLog) continue;
    const absl::StatusOr<std::unique_ptr<File>> file =
        fs.Open(absl::StrCat(dir, "/", entry.name), OpenMode::kRead);
    if (!file.ok()) return file.status();
    const absl::StatusOr<uint64_t> size = (*file)->Size();
    if (!size.ok()) return size.status();
    if (damaged && *size > 0) return Damaged(dir, "a segment follows a damaged one");
    SegmentScanner scanner(**file, {.to = *size, .expected = name.base});
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    while (batch.ok() && batch->has_value()) batch = scanner.Next();
    if (batch.ok() && scanner.damage().has_value()) {
      damaged = true;
      batch = scanner.FindBatchAfterDamage();
    }
    if (!batch.ok()) return batch.status();
    if (batch->has_value()) {
      return Damaged(dir, absl::StrCat(entry.name, ", byte ", scanner.damage()->position, ": ",
                                       scanner.damage()->reason, ", and valid records follow"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadSlice(const LogSlice& slice) {
  std::string bytes(slice.length, '\0');
  if (slice.length == 0) return bytes;
  const absl::StatusOr<size_t> got = slice.file->ReadAt(slice.position, absl::MakeSpan(bytes));
  if (!got.ok()) return got.status();
  bytes.resize(*got);
  return bytes;
}

}  // namespace

SegmentedLogOptions MetadataLog::Options(const std::string& dir) {
  auto config = std::make_shared<TopicConfig>();
  SegmentedLogOptions options;
  options.dir = dir;
  options.id = kPartitionId;
  options.topic = std::string(kMetadataTopic);
  options.config = std::move(config);
  return options;
}

absl::StatusOr<std::unique_ptr<MetadataLog>> MetadataLog::Create(const std::string& dir,
                                                                 const Environment& env) {
  auto log = std::unique_ptr<MetadataLog>(new MetadataLog(env));
  absl::StatusOr<std::shared_ptr<SegmentedLog>> created =
      SegmentedLog::Create(Options(dir), log->log_environment_);
  if (!created.ok()) return created.status();
  log->log_ = *std::move(created);
  if (absl::Status synced = env.fs.SyncDir(dir); !synced.ok()) return synced;
  return log;
}

absl::StatusOr<MetadataLog::Opened> MetadataLog::Open(const std::string& dir, const Promise& promise,
                                                      const Environment& env) {
  const absl::StatusOr<bool> exists = env.fs.Exists(dir);
  if (!exists.ok()) return exists.status();
  if (!*exists) return Damaged(dir, "it is missing");
  if (absl::Status sound = CheckNothingFollowsDamage(env.fs, dir); !sound.ok()) return sound;
  RecoveryInput input;
  input.dir = dir;
  input.name = std::string(kMetadataLogDirName);
  input.partition_id = kPartitionId;
  input.checkpoint = promise.checkpoint;
  input.clean = promise.clean;
  absl::StatusOr<RecoveredPartition> recovered = RecoverPartition(env.fs, input);
  if (!recovered.ok()) return recovered.status();
  if (absl::Status sound = CheckSound(dir, *recovered); !sound.ok()) return sound;
  Opened opened{std::unique_ptr<MetadataLog>(new MetadataLog(env)), *std::move(recovered)};
  absl::StatusOr<std::shared_ptr<SegmentedLog>> log =
      SegmentedLog::Open(Options(dir), opened.log->log_environment_, opened.recovered);
  if (!log.ok()) return log.status();
  opened.log->log_ = *std::move(log);
  if (absl::Status replayed = opened.log->Replay(); !replayed.ok()) return replayed;
  return opened;
}

absl::Status MetadataLog::Append(const MetadataRecord& record) {
  if (!failure_.ok()) return failure_;
  // A record that would not be understood at the next start must not get in.
  if (absl::Status fits = state_.Check(record); !fits.ok()) return fits;
  BatchBuilder builder;
  builder.Add(std::max<int64_t>(clock_.WallMs(), 0), std::nullopt, EncodeMetadataRecord(record));
  absl::StatusOr<std::string> batch = builder.Finish();
  if (!batch.ok()) return batch.status();
  const absl::StatusOr<BatchHeader> header = ParseBatchHeader(*batch);
  if (!header.ok()) return header.status();
  absl::Status status = log_->Append(*header, absl::MakeSpan(*batch), CommitUrgency::kLater).status();
  // Nothing was appended then.
  if (CodeOf(status) == ErrorCode::kDiskFull || CodeOf(status) == ErrorCode::kLimitExceeded) return status;
  if (status.ok()) status = Commit();
  if (!status.ok()) return failure_ = status;
  return state_.Apply(record);
}

absl::Status MetadataLog::Commit() {
  const CommitWork work = log_->BeginCommit();
  return log_->FinishCommit(work, SyncCommitWork(work)).status;
}

absl::Status MetadataLog::Replay() {
  for (Offset next = 0; next < log_->visible_offset();) {
    const absl::StatusOr<LogSlice> slice = log_->Read(next, kReadBytes);
    if (!slice.ok()) return slice.status();
    const absl::StatusOr<std::string> bytes = ReadSlice(*slice);
    if (!bytes.ok()) return bytes.status();
    if (bytes->empty()) return Damaged(log_->dir(), absl::StrCat("nothing can be read at offset ", next));
    for (absl::string_view rest = *bytes; !rest.empty();) {
      const absl::StatusOr<BatchView> batch = CheckStoredBatch(rest);
      if (!batch.ok()) return Damaged(log_->dir(), batch.status().message());
      if (absl::Status replayed = ReplayBatch(*batch); !replayed.ok()) return replayed;
      next = batch->header().next_offset();
      rest.remove_prefix(batch->bytes().size());
    }
  }
  return absl::OkStatus();
}

absl::Status MetadataLog::ReplayBatch(const BatchView& batch) {
  absl::StatusOr<RecordIterator> records = RecordIterator::Create(batch);
  if (!records.ok()) return Damaged(log_->dir(), records.status().message());
  for (;;) {
    const absl::StatusOr<std::optional<RecordView>> record = records->Next();
    if (!record.ok()) return Damaged(log_->dir(), record.status().message());
    if (!record->has_value()) return absl::OkStatus();
    absl::StatusOr<MetadataRecord> decoded =
        DecodeMetadataRecord((*record)->value.value_or(absl::string_view()));
    absl::Status applied = decoded.ok() ? state_.Apply(*decoded) : decoded.status();
    if (CodeOf(applied) == ErrorCode::kDataLoss) return Damaged(log_->dir(), applied.message());
    if (!applied.ok()) return applied;
  }
}

}  // namespace leat
