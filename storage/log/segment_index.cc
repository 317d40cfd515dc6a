#include "storage/log/segment_index.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/file_names.h"
#include "storage/log/index_file.h"
#include "storage/log/segment_scanner.h"

namespace leat {
namespace {

template <typename Entry, typename Before>
std::optional<Entry> FindInMemory(const std::vector<Entry>& entries, const Before& before) {
  const auto after = std::partition_point(entries.begin(), entries.end(), before);
  if (after == entries.begin()) return std::nullopt;
  return *std::prev(after);
}

template <typename Entry, typename Before>
absl::StatusOr<std::optional<Entry>> FindInFile(FileSystem& fs, const std::string& path, uint32_t count,
                                                Offset base, const Before& before) {
  if (count == 0) return std::optional<Entry>();
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kRead);
  if (!file.ok()) return file.status();
  return FindLastEntry<Entry>(**file, count, base, before);
}

}  // namespace

SegmentIndex::SegmentIndex(std::string dir, Offset base) : dir_(std::move(dir)), base_(base) {}

SegmentIndex::SegmentIndex(std::string dir, Offset base, FiledIndex filed, IndexBuilder builder)
    : dir_(std::move(dir)), base_(base), builder_(std::move(builder)), filed_(filed) {
  // Without an entry they may be missing; then they are made anew.
  has_files_ = filed.offset_entries + filed.time_entries > 0;
}

void SegmentIndex::Add(const IndexedBatch& batch, int64_t interval_bytes) {
  MutexLock lock(mutex_);
  builder_.Add(batch, interval_bytes);
}

void SegmentIndex::Seal() {
  MutexLock lock(mutex_);
  sealed_ = true;
  builder_.Finish();
}

absl::StatusOr<std::optional<OffsetEntry>> SegmentIndex::FindOffset(FileSystem& fs, Offset offset) const {
  const auto before = [offset](const OffsetEntry& entry) { return entry.last_offset <= offset; };
  uint32_t filed = 0;
  {
    MutexLock lock(mutex_);
    if (std::optional<OffsetEntry> found = FindInMemory(builder_.offsets, before)) return found;
    filed = filed_.offset_entries;
  }
  return FindInFile<OffsetEntry>(fs, SegmentPath(dir_, base_, kIndexSuffix), filed, base_, before);
}

absl::StatusOr<std::optional<OffsetEntry>> SegmentIndex::FindPosition(FileSystem& fs,
                                                                      uint64_t position) const {
  const auto before = [position](const OffsetEntry& entry) { return entry.position <= position; };
  uint32_t filed = 0;
  {
    MutexLock lock(mutex_);
    if (std::optional<OffsetEntry> found = FindInMemory(builder_.offsets, before)) return found;
    filed = filed_.offset_entries;
  }
  return FindInFile<OffsetEntry>(fs, SegmentPath(dir_, base_, kIndexSuffix), filed, base_, before);
}

absl::StatusOr<std::optional<TimeEntry>> SegmentIndex::FindTime(FileSystem& fs, int64_t timestamp_ms) const {
  const auto before = [timestamp_ms](const TimeEntry& entry) { return entry.timestamp_ms < timestamp_ms; };
  uint32_t filed = 0;
  {
    MutexLock lock(mutex_);
    if (std::optional<TimeEntry> found = FindInMemory(builder_.times, before)) return found;
    filed = filed_.time_entries;
  }
  return FindInFile<TimeEntry>(fs, SegmentPath(dir_, base_, kTimeIndexSuffix), filed, base_, before);
}

size_t SegmentIndex::unwritten() const {
  MutexLock lock(mutex_);
  return builder_.offsets.size() + builder_.times.size();
}

bool SegmentIndex::has_files() const {
  MutexLock lock(mutex_);
  return has_files_;
}

absl::Status SegmentIndex::WriteOut(FileSystem& fs) {
  MutexLock writing(writing_);
  std::vector<OffsetEntry> offsets;
  std::vector<TimeEntry> times;
  FiledIndex filed;
  {
    MutexLock lock(mutex_);
    if (has_files_ && builder_.offsets.empty() && builder_.times.empty()) return absl::OkStatus();
    offsets = builder_.offsets;
    times = builder_.times;
    filed = filed_;
  }
  absl::Status status =
      AppendCacheFile(fs, SegmentPath(dir_, base_, kIndexSuffix),
                      uint64_t{filed.offset_entries} * OffsetEntry::kBytes, EncodeEntries(offsets, base_));
  if (!status.ok()) return status;
  status = AppendCacheFile(fs, SegmentPath(dir_, base_, kTimeIndexSuffix),
                           uint64_t{filed.time_entries} * TimeEntry::kBytes, EncodeEntries(times, base_));
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  has_files_ = true;
  filed_.offset_entries += static_cast<uint32_t>(offsets.size());
  filed_.time_entries += static_cast<uint32_t>(times.size());
  const auto drop = [](auto& entries, size_t count) {
    entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
    if (entries.empty()) entries.shrink_to_fit();
  };
  drop(builder_.offsets, offsets.size());
  drop(builder_.times, times.size());
  return absl::OkStatus();
}

absl::Status SegmentIndex::Rebuild(FileSystem& fs, const File& log, uint64_t bytes, int64_t interval_bytes) {
  MutexLock writing(writing_);
  bool sealed = false;
  {
    MutexLock lock(mutex_);
    // What is in memory stays there; the files get what comes before it.
    if (!builder_.offsets.empty()) bytes = std::min(bytes, builder_.offsets.front().position);
    sealed = sealed_;
  }
  IndexBuilder rebuilt;
  SegmentScanner scanner(log, {.to = bytes, .expected = base_, .depth = ScanDepth::kHeaders});
  while (true) {
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    if (!batch.ok()) return batch.status();
    if (!batch->has_value()) break;
    rebuilt.Add({(*batch)->position, (*batch)->header.last_offset(), (*batch)->header.max_timestamp_ms},
                interval_bytes);
  }
  if (scanner.damage()) {
    return MakeError(ErrorCode::kDataLoss, absl::StrCat("no index can be built: ", scanner.damage()->reason));
  }
  if (sealed) rebuilt.Finish();

  {
    MutexLock lock(mutex_);
    if (!builder_.times.empty()) {
      const int64_t limit = builder_.times.front().timestamp_ms;
      std::erase_if(rebuilt.times, [limit](const TimeEntry& entry) { return entry.timestamp_ms >= limit; });
    } else {
      builder_.last_timestamp_ms = rebuilt.last_timestamp_ms;
    }
    if (builder_.offsets.empty()) builder_.last_position = rebuilt.last_position;
  }
  absl::Status status =
      WriteCacheFile(fs, dir_, SegmentFileName(base_, kIndexSuffix), EncodeEntries(rebuilt.offsets, base_));
  if (!status.ok()) return status;
  status =
      WriteCacheFile(fs, dir_, SegmentFileName(base_, kTimeIndexSuffix), EncodeEntries(rebuilt.times, base_));
  if (!status.ok()) return status;
  MutexLock lock(mutex_);
  filed_ = {static_cast<uint32_t>(rebuilt.offsets.size()), static_cast<uint32_t>(rebuilt.times.size())};
  has_files_ = true;
  return absl::OkStatus();
}

}  // namespace leat
