// What SegmentedLog does off the append path, mostly on the background executor.

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/file_names.h"
#include "storage/log/segmented_log.h"

namespace leat {

void SegmentedLog::PostWriteOut(std::shared_ptr<SegmentIndex> index) {
  env_.background.Post([weak = weak_from_this(), index = std::move(index)] {
    if (std::shared_ptr<SegmentedLog> log = weak.lock()) log->WriteOut(index);
  });
}

void SegmentedLog::WriteOut(const std::shared_ptr<SegmentIndex>& index) {
  absl::Status status;
  {
    MutexLock names_lock(names_);
    {
      MutexLock lock(door_);
      if (deleted_) return;
    }
    status = index->WriteOut(env_.fs);
  }
  std::shared_ptr<Segment> broken;
  {
    MutexLock lock(door_);
    const bool active = !segments_.empty() && segments_.back()->index == index;
    if (active) writing_out_ = false;
    if (status.ok()) return;
    if (absl::IsNotFound(status) || CodeOf(status) == ErrorCode::kDataLoss) {
      for (const std::shared_ptr<Segment>& segment : segments_) {
        if (segment->index == index) broken = segment;
      }
    } else if (!active) {
      unwritten_.push_back(index);  // Maintain tries again
    }
  }
  if (broken != nullptr) Rebuild(*broken);
}

void SegmentedLog::PostPrepare() {
  if (prepared_ || preparing_) return;
  preparing_ = true;
  env_.background.Post([weak = weak_from_this()] {
    if (std::shared_ptr<SegmentedLog> log = weak.lock()) log->Prepare();
  });
}

void SegmentedLog::Prepare() {
  MutexLock names_lock(names_);
  {
    MutexLock lock(door_);
    if (deleted_ || !write_status_.ok()) return;
  }
  // On any failure the roll makes the file itself.
  const std::string path = absl::StrCat(dir(), "/", kPreparedName);
  absl::Status status = env_.fs.Remove(path);
  if (absl::IsNotFound(status)) status = absl::OkStatus();
  absl::StatusOr<std::unique_ptr<File>> file =
      status.ok() ? env_.fs.Open(path, OpenMode::kCreateNew) : absl::StatusOr<std::unique_ptr<File>>(status);
  MutexLock lock(door_);
  preparing_ = false;
  if (!file.ok()) return;
  if (write_status_.ok()) {
    prepared_ = true;
  } else {
    env_.fs.Remove(path).IgnoreError();  // closed meanwhile; the next open would sweep it
  }
}

// Every reader that meets a wrong entry asks; one rebuild serves them all.
void SegmentedLog::PostRebuild(std::shared_ptr<Segment> segment) {
  {
    MutexLock lock(door_);
    if (std::exchange(segment->rebuilding, true)) return;
  }
  env_.background.Post([weak = weak_from_this(), segment = std::move(segment)] {
    const std::shared_ptr<SegmentedLog> log = weak.lock();
    if (log == nullptr) return;
    log->Rebuild(*segment);
    MutexLock lock(log->door_);
    segment->rebuilding = false;
  });
}

void SegmentedLog::Rebuild(Segment& segment) {
  uint64_t bytes = 0;
  int64_t interval = 0;
  MutexLock names_lock(names_);
  {
    MutexLock lock(door_);
    if (deleted_) return;
    bytes = segment.readable_bytes();
    interval = config_->index_interval_bytes;
  }
  absl::StatusOr<std::shared_ptr<File>> file = segment.file->Open();
  if (!file.ok()) return;  // the next reader that meets the entry asks again
  if (!segment.index->Rebuild(env_.fs, **file, bytes, interval).ok()) return;
  env_.counters.indexes_rebuilt.fetch_add(1, std::memory_order_relaxed);
}

void SegmentedLog::Maintain() {
  {
    MutexLock lock(door_);
    if (deleted_ || !write_status_.ok() || segments_.empty()) return;
    for (std::shared_ptr<SegmentIndex>& index : std::exchange(unwritten_, {})) PostWriteOut(std::move(index));
    const std::shared_ptr<SegmentIndex> index = segments_.back()->index;
    if (!writing_out_ && index->unwritten() > 0) {
      writing_out_ = true;
      PostWriteOut(index);
    }
    // A roll that fails now is tried again by the next append.
    if (!Aged(*segments_.back()) || !Roll().ok()) return;
  }
  // Now, so that partitions at rest hold no directory open.
  SyncNames();
}

void SegmentedLog::SetConfig(std::shared_ptr<const TopicConfig> config) {
  MutexLock lock(door_);
  config_ = std::move(config);
  UpdateVisible();
}

void SegmentedLog::MarkDeleted() {
  MutexLock names_lock(names_);
  MutexLock lock(door_);
  deleted_ = true;
  unsynced_dir_.reset();
}

absl::Status SegmentedLog::Close() {
  std::vector<std::shared_ptr<SegmentIndex>> indexes;
  bool prepared = false;
  {
    MutexLock lock(door_);
    if (deleted_) return absl::OkStatus();
    if (write_status_.ok()) write_status_ = MakeError(ErrorCode::kShuttingDown, "the log is closed");
    for (const std::shared_ptr<Segment>& segment : segments_) {
      if (!segment->index->has_files() || segment->index->unwritten() > 0) indexes.push_back(segment->index);
    }
    if (!segments_.empty()) {
      segments_.back()->index->Seal();
      indexes.push_back(segments_.back()->index);
    }
    prepared = std::exchange(prepared_, false);
  }
  absl::Status result;
  if (prepared) result.Update(env_.fs.Remove(absl::StrCat(dir(), "/", kPreparedName)));
  for (const std::shared_ptr<SegmentIndex>& index : indexes) result.Update(index->WriteOut(env_.fs));
  return result;
}

}  // namespace leat
