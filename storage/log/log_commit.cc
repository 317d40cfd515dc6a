// The commit side of SegmentedLog (durability-rules R1, R2, R7).

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/segmented_log.h"

namespace leat {
namespace {

// The end of one segment and the start of the next have the same offset.
bool IsFurther(const LogPosition& one, const LogPosition& other) {
  return one.offset > other.offset || (one.offset == other.offset && one.segment_base > other.segment_base);
}

}  // namespace

void SegmentedLog::SetMarks(const OffsetMarks& marks) {
  const bool forward = marks.log_start >= marks_.log_start && marks.synced >= marks_.synced &&
                       marks.durable >= marks_.durable && marks.end >= marks_.end;
  if (!marks.Valid() || !forward) {
    // Going on could acknowledge what is not durable.
    std::fprintf(stderr, "leat: bug: marks of %s-%u out of order\n", options_.topic.c_str(),
                 options_.partition);
    std::abort();
  }
  marks_ = marks;
}

void SegmentedLog::UpdateVisible() {
  const LogPosition candidate = config_->durability == TopicDurability::kDurable ? durable_ : EndPosition();
  if (candidate.offset <= visible_.offset) return;
  visible_ = candidate;
  hints_.Add(candidate);
}

std::optional<CommitUrgency> SegmentedLog::NoteCommitNeeded(CommitUrgency urgency) {
  if (config_->durability == TopicDurability::kDurable) urgency = CommitUrgency::kNow;
  if (asked_now_ || (asked_later_ && urgency == CommitUrgency::kLater)) return std::nullopt;
  (urgency == CommitUrgency::kNow ? asked_now_ : asked_later_) = true;
  return urgency;
}

void SegmentedLog::RequestCommit() {
  {
    MutexLock lock(door_);
    if (deleted_ || (marks_.synced == marks_.end && names_synced_ == names_version_)) return;
    if (asked_now_) return;
    asked_now_ = true;
  }
  env_.commits.RequestCommit(shared_from_this(), CommitUrgency::kNow);
}

void SegmentedLog::AddUnsynced(CommitWork& work) const {
  work.names_version = names_version_;
  if (names_synced_ != names_version_) work.dir = unsynced_dir_;
  // Everything before the segment of the synced mark is synced.
  auto first = segments_.end();
  while (first != segments_.begin() && (*std::prev(first))->base >= synced_.segment_base) --first;
  for (; first != segments_.end(); ++first) {
    if ((*first)->file->has_unsynced()) work.files.push_back((*first)->file);
  }
}

void SegmentedLog::AddPieces(CommitWork& work) const {
  auto segment = segments_.end();
  while (segment != segments_.begin() && (*std::prev(segment))->base >= durable_.segment_base) --segment;
  for (; segment != segments_.end(); ++segment) {
    const bool first = (*segment)->base == durable_.segment_base;
    const uint64_t position = first ? durable_.position : 0;
    if ((*segment)->bytes == position) continue;
    work.pieces.push_back({.file = (*segment)->file,
                           .base_offset = first ? durable_.offset : (*segment)->base,
                           .end_offset = (*segment)->next_offset,
                           .position = position,
                           .bytes = (*segment)->bytes - position});
  }
}

CommitWork SegmentedLog::BeginCommit() {
  MutexLock lock(door_);
  asked_now_ = false;
  asked_later_ = false;
  CommitWork work;
  work.upto = EndPosition();
  if (deleted_) return work;
  AddUnsynced(work);
  AddPieces(work);
  return work;
}

CommitOutcome SegmentedLog::FinishCommit(const CommitWork& work, const absl::Status& commit_result,
                                         CommitWay way) {
  absl::Status result = commit_result;
  for (const std::shared_ptr<SegmentFile>& file : work.files) {
    if (result.ok()) result = file->failure();
  }
  CommitOutcome outcome;
  outcome.log = shared_from_this();
  MutexLock lock(door_);
  if (deleted_) {
    outcome.status = Deleted();
  } else {
    if (!result.ok()) FailCommits(result);
    outcome.status = commit_failure_;
  }
  if (outcome.status.ok()) {
    OffsetMarks marks = marks_;
    if (way == CommitWay::kDirect) {
      NoteNamesSynced(work.names_version);
      if (IsFurther(work.upto, synced_)) synced_ = work.upto;
    }
    if (IsFurther(work.upto, durable_)) durable_ = work.upto;
    marks.synced = synced_.offset;
    marks.durable = durable_.offset;
    SetMarks(marks);
    UpdateVisible();
  }
  outcome.marks = marks_;
  outcome.visible = visible_.offset;
  return outcome;
}

void SegmentedLog::NoteNamesSynced(uint64_t version) {
  names_synced_ = std::max(names_synced_, version);
  // The work still holds it, so nothing closes here.
  if (names_synced_ == names_version_) unsynced_dir_.reset();
}

CommitWork SegmentedLog::BeginSync() {
  MutexLock lock(door_);
  CommitWork work;
  work.upto = durable_;
  if (!deleted_) AddUnsynced(work);
  return work;
}

absl::Status SegmentedLog::FinishSync(const CommitWork& work, const absl::Status& sync_result) {
  MutexLock lock(door_);
  if (deleted_) return absl::OkStatus();
  if (!sync_result.ok()) FailCommits(sync_result);
  if (!commit_failure_.ok()) return commit_failure_;
  NoteNamesSynced(work.names_version);
  if (IsFurther(work.upto, synced_)) {
    synced_ = work.upto;
    OffsetMarks marks = marks_;
    marks.synced = synced_.offset;
    SetMarks(marks);
  }
  return absl::OkStatus();
}

void SegmentedLog::FailCommits(const absl::Status& cause) {
  if (commit_failure_.ok()) {
    commit_failure_ =
        MakeError(ErrorCode::kOutcomeUnknown,
                  absl::StrCat("what was written to ", options_.topic, "-", options_.partition,
                               " from offset ", marks_.durable, " on may be lost: ", cause.message()));
  }
  if (write_status_.ok()) {
    write_status_ = MakeError(ErrorCode::kStorageError,
                              absl::StrCat("partition ", options_.topic, "-", options_.partition,
                                           " takes no more records until a restart: ", cause.message()));
  }
}

std::optional<CheckpointEntry> SegmentedLog::checkpoint() const {
  MutexLock lock(door_);
  if (fenced_) return fenced_checkpoint_;
  return CheckpointEntry{.partition_id = options_.id,
                         .log_start = marks_.log_start,
                         .synced = synced_.offset,
                         .segment_base = synced_.segment_base,
                         .position = synced_.position};
}

void SegmentedLog::SyncNames() {
  std::shared_ptr<Directory> dir;
  uint64_t version = 0;
  std::optional<LogPosition> upto;  // when nothing but the name was to be synced
  {
    MutexLock lock(door_);
    if (deleted_ || !commit_failure_.ok()) return;
    dir = unsynced_dir_;
    version = names_version_;
    if (marks_.synced == marks_.end) upto = EndPosition();
  }
  if (dir == nullptr) return;
  const absl::Status status = dir->Sync();
  {
    MutexLock lock(door_);
    if (status.ok()) {
      NoteNamesSynced(version);
      if (upto && IsFurther(*upto, synced_)) synced_ = *upto;
      if (upto && IsFurther(*upto, durable_)) durable_ = *upto;
      return;
    }
    FailCommits(status);
  }
  RequestCommit();  // its outcome carries the failure to those who have to hear of it
}

absl::Status SyncCommitWork(const CommitWork& work) {
  if (work.dir != nullptr) {
    if (absl::Status status = work.dir->Sync(); !status.ok()) return status;
  }
  for (const std::shared_ptr<SegmentFile>& file : work.files) {
    if (absl::Status status = file->Sync(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace leat
