#include "storage/log/segmented_log.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/file_names.h"

namespace leat {
namespace {

// Index entries name positions and relative offsets by 31 bits.
constexpr int64_t kSegmentBytesMax = std::numeric_limits<int32_t>::max();
// Index entries are written out when so many are waiting; Maintain writes the rest.
constexpr size_t kWriteOutEntries = 256;

int64_t SegmentLimit(const TopicConfig& config) { return std::min(config.segment_bytes, kSegmentBytesMax); }

}  // namespace

SegmentedLog::SegmentedLog(SegmentedLogOptions options, const LogEnvironment& env)
    : options_(std::move(options)), env_(env), config_(options_.config) {}

SegmentedLog::~SegmentedLog() = default;

absl::StatusOr<std::shared_ptr<SegmentedLog>> SegmentedLog::Create(SegmentedLogOptions options,
                                                                   const LogEnvironment& env) {
  if (absl::Status status = env.fs.CreateDir(options.dir); !status.ok()) return status;
  absl::StatusOr<std::unique_ptr<File>> file =
      env.fs.Open(SegmentPath(options.dir, 0, kLogSuffix), OpenMode::kCreateNew);
  if (!file.ok()) return file.status();
  std::shared_ptr<SegmentedLog> log(new SegmentedLog(std::move(options), env));
  MutexLock lock(log->door_);
  log->AddSegment(0);
  return log;
}

absl::StatusOr<std::shared_ptr<SegmentedLog>> SegmentedLog::Open(SegmentedLogOptions options,
                                                                 const LogEnvironment& env,
                                                                 const RecoveredPartition& recovered) {
  if (recovered.segments.empty() && recovered.write_status.ok()) {
    return MakeError(ErrorCode::kStorageError, absl::StrCat(options.dir, " has no segment"));
  }
  std::shared_ptr<SegmentedLog> log(new SegmentedLog(std::move(options), env));
  MutexLock lock(log->door_);
  for (const RecoveredSegment& from : recovered.segments) {
    auto segment = std::make_shared<Segment>();
    segment->file =
        std::make_shared<SegmentFile>(env.files, SegmentPath(log->dir(), from.base, kLogSuffix), from.base);
    segment->index = std::make_shared<SegmentIndex>(log->dir(), from.base, from.filed, from.index);
    segment->base = from.base;
    segment->next_offset = from.next_offset;
    segment->bytes = from.bytes;
    segment->damage = from.damage;
    segment->max_timestamp_ms = from.index.max.timestamp_ms;
    if (from.bytes > 0) segment->age_from_ms = std::min(from.first_timestamp_ms, env.clock.WallMs());
    log->bytes_ += from.bytes;
    log->segments_.push_back(std::move(segment));
  }
  log->SetMarks(recovered.marks);
  log->synced_ = log->durable_ = log->visible_ = log->EndPosition();
  log->write_status_ = recovered.write_status;
  log->lost_ = recovered.lost;
  log->fenced_ = !recovered.write_status.ok();
  log->fenced_checkpoint_ = recovered.checkpoint;
  return log;
}

absl::StatusOr<AppendResult> SegmentedLog::Append(const BatchHeader& header, absl::Span<char> batch,
                                                  CommitUrgency urgency) {
  AppendResult result;
  std::optional<CommitUrgency> ask;
  {
    MutexLock lock(door_);
    if (absl::Status status = CheckAppend(header, batch.size()); !status.ok()) return status;
    if (MustRoll(header, batch.size())) {
      if (absl::Status status = Roll(); !status.ok()) return status;
    }
    result.base_offset = marks_.end;
    StampBatch(batch, marks_.end, options_.leader_epoch);
    absl::Status status = WriteBatch(header, absl::string_view(batch.data(), batch.size()));
    if (!status.ok()) return status;
    result.next_offset = marks_.end;
    result.marks = marks_;
    ask = NoteCommitNeeded(urgency);
  }
  env_.counters.appended_batches.fetch_add(1, std::memory_order_relaxed);
  env_.counters.appended_bytes.fetch_add(batch.size(), std::memory_order_relaxed);
  if (ask) env_.commits.RequestCommit(shared_from_this(), *ask);
  return result;
}

absl::Status SegmentedLog::Deleted() const {
  return MakeError(ErrorCode::kUnknownTopic, absl::StrCat("topic ", options_.topic, " has been deleted"));
}

absl::Status SegmentedLog::CheckAppend(const BatchHeader& header, size_t bytes) const {
  if (deleted_) return Deleted();
  if (!write_status_.ok()) return write_status_;
  if (header.total_bytes() != bytes) {
    return MakeError(ErrorCode::kInvalidRequest, absl::StrCat("a batch of ", header.total_bytes(),
                                                              " bytes was given as ", bytes, " bytes"));
  }
  if (bytes > static_cast<uint64_t>(SegmentLimit(*config_))) {
    return MakeError(
        ErrorCode::kBatchTooLarge,
        absl::StrCat("a batch of ", bytes, " bytes does not fit into a segment of ", SegmentLimit(*config_),
                     " bytes; raise segment_bytes of topic ", options_.topic));
  }
  return absl::OkStatus();
}

bool SegmentedLog::MustRoll(const BatchHeader& header, size_t bytes) const {
  const Segment& active = *segments_.back();
  if (active.bytes == 0) return false;
  if (active.bytes + bytes > static_cast<uint64_t>(SegmentLimit(*config_))) return true;
  if (marks_.end + header.last_offset_delta - active.base > std::numeric_limits<int32_t>::max()) return true;
  return Aged(active);
}

bool SegmentedLog::Aged(const Segment& active) const {
  return active.bytes > 0 && env_.clock.WallMs() - active.age_from_ms >= config_->segment_ms;
}

absl::Status SegmentedLog::Roll() {
  if (absl::Status opened = OpenDirectory(); !opened.ok()) return opened;
  if (absl::Status made = MakeNextFile(SegmentPath(dir(), marks_.end, kLogSuffix)); !made.ok()) {
    if (CodeOf(made) == ErrorCode::kDiskFull) {
      env_.counters.disk_full_errors.fetch_add(1, std::memory_order_relaxed);
    }
    return made;
  }
  const std::shared_ptr<SegmentIndex>& index = segments_.back()->index;
  index->Seal();
  PostWriteOut(index);
  AddSegment(marks_.end);
  ++names_version_;
  env_.counters.segments_rolled.fetch_add(1, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status SegmentedLog::MakeNextFile(const std::string& path) {
  if (prepared_) {
    prepared_ = false;
    return env_.fs.Rename(absl::StrCat(dir(), "/", kPreparedName), path);
  }
  return env_.fs.Open(path, OpenMode::kCreateNew).status();
}

absl::Status SegmentedLog::OpenDirectory() {
  if (unsynced_dir_ != nullptr) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<Directory>> opened = env_.fs.OpenDir(dir());
  if (!opened.ok()) return opened.status();
  unsynced_dir_ = *std::move(opened);
  return absl::OkStatus();
}

void SegmentedLog::AddSegment(Offset base) {
  auto segment = std::make_shared<Segment>();
  segment->file = std::make_shared<SegmentFile>(env_.files, SegmentPath(dir(), base, kLogSuffix), base);
  segment->index = std::make_shared<SegmentIndex>(dir(), base);
  segment->base = base;
  segment->next_offset = base;
  segments_.push_back(std::move(segment));
}

absl::Status SegmentedLog::WriteBatch(const BatchHeader& header, absl::string_view batch) {
  Segment& active = *segments_.back();
  if (absl::Status status = active.file->Hold(); !status.ok()) return status;
  if (absl::Status status = active.file->Write(active.bytes, batch); !status.ok()) return UndoWrite(status);

  OffsetMarks marks = marks_;
  marks.end += int64_t{header.last_offset_delta} + 1;
  active.index->Add({active.bytes, marks.end - 1, header.max_timestamp_ms}, config_->index_interval_bytes);
  active.max_timestamp_ms = std::max(active.max_timestamp_ms, header.max_timestamp_ms);
  if (active.bytes == 0) active.age_from_ms = env_.clock.WallMs();
  active.bytes += batch.size();
  active.next_offset = marks.end;
  bytes_ += batch.size();
  SetMarks(marks);
  UpdateVisible();

  const auto limit = static_cast<uint64_t>(SegmentLimit(*config_));
  if (active.bytes > limit - limit / 4) PostPrepare();
  if (!writing_out_ && active.index->unwritten() >= kWriteOutEntries) {
    writing_out_ = true;
    PostWriteOut(active.index);
  }
  return absl::OkStatus();
}

absl::Status SegmentedLog::UndoWrite(const absl::Status& cause) {
  const bool full = CodeOf(cause) == ErrorCode::kDiskFull;
  if (full) env_.counters.disk_full_errors.fetch_add(1, std::memory_order_relaxed);
  Segment& active = *segments_.back();
  const absl::Status undone = active.file->CutBack(active.bytes);
  if (full && undone.ok()) return cause;
  write_status_ = MakeError(
      ErrorCode::kStorageError,
      absl::StrCat("partition ", options_.topic, "-", options_.partition,
                   " takes no more records until a restart, because a write failed: ", cause.message()));
  return write_status_;
}

LogPosition SegmentedLog::EndPosition() const {
  if (segments_.empty()) return {marks_.end, marks_.end, 0};
  return {marks_.end, segments_.back()->base, segments_.back()->bytes};
}

absl::Status SegmentedLog::commit_status() const {
  MutexLock lock(door_);
  return deleted_ ? Deleted() : commit_failure_;
}

LogState SegmentedLog::state() const {
  MutexLock lock(door_);
  return {.marks = marks_,
          .visible = visible_.offset,
          .bytes = bytes_,
          .segments = static_cast<uint32_t>(segments_.size()),
          .leader_epoch = options_.leader_epoch,
          .write_status = write_status_,
          .lost = lost_};
}

Offset SegmentedLog::visible_offset() const {
  MutexLock lock(door_);
  return visible_.offset;
}

OffsetMarks SegmentedLog::marks() const {
  MutexLock lock(door_);
  return marks_;
}

}  // namespace leat
