// The reading side of SegmentedLog: snapshots under the door, I/O outside.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/segment_reader.h"
#include "storage/log/segmented_log.h"

namespace leat {

absl::Status SegmentedLog::CheckRead(Offset from) const {
  if (deleted_) return Deleted();
  if (from < marks_.log_start || from > visible_.offset) {
    absl::Status status =
        MakeError(ErrorCode::kOffsetOutOfRange,
                  absl::StrCat("offset ", from, " of ", options_.topic, "-", options_.partition,
                               " is out of range; present are ", marks_.log_start, " to ", visible_.offset));
    return from < marks_.log_start ? WithResumeOffset(std::move(status), marks_.log_start) : status;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Segment>> SegmentedLog::SegmentOf(Offset offset) const {
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), offset,
      [](Offset value, const std::shared_ptr<Segment>& segment) { return value < segment->base; });
  Offset lost_from = marks_.log_start;
  Offset lost_to = after == segments_.end() ? marks_.end : (*after)->base;
  if (after != segments_.begin()) {
    const std::shared_ptr<Segment>& segment = *std::prev(after);
    const Offset readable = segment->damage ? segment->damage->offset : segment->next_offset;
    if (offset < readable) return segment;
    lost_from = readable;
  }
  return WithResumeOffset(
      MakeError(ErrorCode::kDataLoss,
                absl::StrCat("offsets ", lost_from, " to ", lost_to - 1, " of ", options_.topic, "-",
                             options_.partition, " are damaged; read on from offset ", lost_to)),
      lost_to);
}

SegmentSnapshot SegmentedLog::SnapshotOf(const Segment& segment) const {
  SegmentSnapshot snapshot{segment.file, segment.index, segment.bytes, segment.next_offset};
  if (segment.damage) {
    snapshot.limit = segment.damage->position;
    snapshot.next_offset = segment.damage->offset;
  }
  if (segment.base > visible_.segment_base) {
    snapshot.limit = 0;
    snapshot.next_offset = segment.base;
  } else if (segment.base == visible_.segment_base && visible_.position < snapshot.limit) {
    snapshot.limit = visible_.position;
    snapshot.next_offset = visible_.offset;
  }
  return snapshot;
}

absl::Status SegmentedLog::ReadFailed(const absl::Status& status) const {
  MutexLock lock(door_);
  return deleted_ ? Deleted() : status;
}

absl::StatusOr<LogSlice> SegmentedLog::Read(Offset from, uint64_t max_bytes) {
  std::shared_ptr<Segment> segment;
  SegmentSnapshot snapshot;
  std::optional<LogPosition> start;
  bool segment_follows = false;
  {
    MutexLock lock(door_);
    if (absl::Status status = CheckRead(from); !status.ok()) return status;
    if (from == visible_.offset) return LogSlice();
    absl::StatusOr<std::shared_ptr<Segment>> found = SegmentOf(from);
    if (!found.ok()) return found.status();
    segment = *std::move(found);
    snapshot = SnapshotOf(*segment);
    segment_follows = segment->next_offset < visible_.offset;
    start = from == segment->base ? LogPosition{from, segment->base, 0} : hints_.Find(from);
    // The end of one segment and the start of the next have the same offset.
    if (start && start->segment_base != segment->base) start.reset();
  }
  SegmentReader reader(env_.fs, snapshot);
  // Also when it is open: the name of a topic that is deleted meanwhile may belong to another one.
  if (absl::Status status = ReadFailed(reader.Open()); !status.ok()) return status;
  LogSlice slice;
  slice.file = reader.file();
  if (start) {
    slice.position = start->position;
  } else {
    absl::StatusOr<ScannedBatch> batch = reader.FindBatch(from);
    if (reader.index_wrong()) PostRebuild(segment);
    if (!batch.ok()) return ReadFailed(batch.status());
    slice.position = batch->position;
  }
  absl::StatusOr<SegmentReader::End> end = reader.FindEnd(slice.position, max_bytes);
  if (reader.index_wrong()) PostRebuild(segment);
  if (!end.ok()) return ReadFailed(end.status());
  slice.length = end->position - slice.position;
  slice.more_follows = segment_follows || end->position < snapshot.limit;
  if (end->next_offset >= 0) {
    MutexLock lock(door_);
    hints_.Add({end->next_offset, segment->base, end->position});
  }
  return slice;
}

absl::StatusOr<std::optional<TimestampedOffset>> SegmentedLog::FindTimestamp(int64_t timestamp_ms) {
  Offset searched = -1;  // base of the last segment that was looked into
  while (true) {
    std::shared_ptr<Segment> segment;
    SegmentSnapshot snapshot;
    Offset from = 0;
    {
      MutexLock lock(door_);
      if (absl::Status status = CheckRead(marks_.log_start); !status.ok()) return status;
      from = marks_.log_start;
      for (const std::shared_ptr<Segment>& candidate : segments_) {
        if (candidate->base <= searched || candidate->max_timestamp_ms < timestamp_ms) continue;
        snapshot = SnapshotOf(*candidate);
        if (snapshot.limit == 0) continue;
        segment = candidate;
        break;
      }
      if (segment == nullptr) return std::optional<TimestampedOffset>();
    }
    SegmentReader reader(env_.fs, snapshot);
    if (absl::Status status = ReadFailed(reader.Open()); !status.ok()) return status;
    absl::StatusOr<std::optional<TimestampedOffset>> found = reader.FindTimestamp(timestamp_ms, from);
    if (reader.index_wrong()) PostRebuild(segment);
    if (!found.ok()) return ReadFailed(found.status());
    if (found->has_value()) return found;
    searched = segment->base;
  }
}

}  // namespace leat
