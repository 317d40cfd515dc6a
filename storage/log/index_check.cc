#include "storage/log/index_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/file_names.h"
#include "storage/log/index_file.h"

namespace leat {
namespace {

constexpr size_t kWalkChunkMax = 1 << 20;
constexpr size_t kWalkChunkMin = 4096;

template <typename Entry>
std::vector<Entry> Load(FileSystem& fs, const IndexCheckInput& input, absl::string_view suffix,
                        IndexFileState& state) {
  const uint64_t entries_max = input.bytes / kBatchHeaderBytes + 1;
  absl::StatusOr<std::string> bytes =
      ReadWholeFile(fs, SegmentPath(input.dir, input.base, suffix), entries_max * Entry::kBytes);
  if (absl::IsNotFound(bytes.status())) return {};
  state.exists = true;
  if (!bytes.ok()) {
    state.problem = "too large or unreadable";
    return {};
  }
  state.bytes = *std::move(bytes);
  if (state.bytes.size() % Entry::kBytes != 0) {
    state.problem = "cut short";
    return {};
  }
  return DecodeEntries<Entry>(state.bytes, input.base);
}

bool InOrder(const std::vector<OffsetEntry>& entries, const IndexCheckInput& input) {
  OffsetEntry before{input.base - 1, 0};
  for (const OffsetEntry& entry : entries) {
    if (entry.last_offset <= before.last_offset || entry.position <= before.position) return false;
    if (entry.position >= input.bytes) return false;
    before = entry;
  }
  return true;
}

bool InOrder(const std::vector<TimeEntry>& entries, const IndexCheckInput& input) {
  TimeEntry before{-1, input.base};
  for (const TimeEntry& entry : entries) {
    if (entry.timestamp_ms <= before.timestamp_ms || entry.last_offset < before.last_offset) return false;
    before = entry;
  }
  return true;
}

class IndexChecker {
 public:
  IndexChecker(FileSystem& fs, const File& log, const IndexCheckInput& input)
      : fs_(fs), log_(log), input_(input) {}

  CheckedIndex Run() {
    LoadOffsets();
    const size_t loaded_offsets = offsets_.size();
    const uint64_t last_batch_at = offsets_.empty() ? 0 : offsets_.back().position;
    LoadTimes();
    const size_t loaded_times = times_.size();
    const std::optional<uint64_t> time_batch_at = PlaceOfLastTime();
    const uint64_t walk_from = time_batch_at ? std::min(last_batch_at, *time_batch_at) : 0;
    Walk(walk_from);
    if (input_.complete && !result_.damage) result_.builder.Finish();
    ReportMissing(result_.offsets, result_.builder.offsets.size(), loaded_offsets);
    ReportMissing(result_.times, result_.builder.times.size(), loaded_times);
    return std::move(result_);
  }

 private:
  SegmentScanner Scan(uint64_t from, size_t chunk_bytes) const {
    return SegmentScanner(log_, {.from = from,
                                 .to = input_.trusted,
                                 .expected = from == 0 ? input_.base : -1,
                                 .depth = ScanDepth::kHeaders,
                                 .chunk_bytes = chunk_bytes});
  }

  void LoadOffsets() {
    offsets_ = Load<OffsetEntry>(fs_, input_, kIndexSuffix, result_.offsets);
    if (!InOrder(offsets_, input_)) Discard(result_.offsets, "garbage");
    std::erase_if(offsets_, [this](const OffsetEntry& entry) { return entry.position >= input_.trusted; });
    if (offsets_.empty()) return;
    SegmentScanner scanner = Scan(offsets_.back().position, kBatchHeaderBytes);
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    const bool matches =
        batch.ok() && batch->has_value() && (*batch)->header.last_offset() == offsets_.back().last_offset;
    if (!matches) Discard(result_.offsets, "does not match the log");
  }

  void LoadTimes() {
    times_ = Load<TimeEntry>(fs_, input_, kTimeIndexSuffix, result_.times);
    if (!InOrder(times_, input_)) Discard(result_.times, "garbage");
    std::erase_if(times_,
                  [this](const TimeEntry& entry) { return entry.last_offset >= input_.trusted_next; });
  }

  void Discard(IndexFileState& state, absl::string_view why) {
    state.problem = std::string(why);
    if (&state == &result_.offsets) {
      offsets_.clear();
    } else {
      times_.clear();
    }
  }

  // Where the batch starts that the last time entry names; nothing when there is none or it is not as it
  // says.
  std::optional<uint64_t> PlaceOfLastTime() {
    if (times_.empty()) return std::nullopt;
    const TimeEntry last = times_.back();
    const auto after = std::partition_point(
        offsets_.begin(), offsets_.end(),
        [&last](const OffsetEntry& entry) { return entry.last_offset <= last.last_offset; });
    SegmentScanner scanner = Scan(after == offsets_.begin() ? 0 : std::prev(after)->position, kWalkChunkMin);
    while (true) {
      absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
      if (!batch.ok() || !batch->has_value()) break;
      const BatchHeader& header = (*batch)->header;
      if (header.last_offset() < last.last_offset) continue;
      if (header.last_offset() != last.last_offset || header.max_timestamp_ms != last.timestamp_ms) break;
      return (*batch)->position;
    }
    Discard(result_.times, "does not match the log");
    return std::nullopt;
  }

  void Walk(uint64_t from) {
    IndexBuilder& builder = result_.builder;
    const uint64_t last_known = offsets_.empty() ? 0 : offsets_.back().position;
    auto known = std::partition_point(offsets_.begin(), offsets_.end(),
                                      [from](const OffsetEntry& entry) { return entry.position < from; });
    std::vector<uint64_t> known_positions;
    for (; known != offsets_.end(); ++known) known_positions.push_back(known->position);
    builder.last_position = last_known;
    if (!times_.empty()) {
      builder.max = times_.back();
      builder.last_timestamp_ms = times_.back().timestamp_ms;
    }
    builder.offsets = std::move(offsets_);
    builder.times = std::move(times_);
    SegmentScanner scanner = Scan(from, std::clamp<uint64_t>(input_.trusted - std::min(from, input_.trusted),
                                                             kWalkChunkMin, kWalkChunkMax));
    std::optional<ScannedBatch> last;
    TimeEntry max_before_last;
    while (true) {
      absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
      result_.damage = batch.ok() ? scanner.damage() : Unreadable(scanner, batch.status());
      if (!batch.ok() || !batch->has_value()) break;
      last = **batch;
      max_before_last = builder.max;
      const IndexedBatch indexed{(*batch)->position, (*batch)->header.last_offset(),
                                 (*batch)->header.max_timestamp_ms};
      if (indexed.position > last_known) {
        builder.Add(indexed, input_.interval_bytes);
        continue;
      }
      builder.Observe(indexed);
      // A time entry goes with an offset entry.
      if (std::binary_search(known_positions.begin(), known_positions.end(), indexed.position))
        builder.Finish();
    }
    result_.good_bytes = scanner.position();
    result_.good_next = scanner.next_offset() < 0 ? input_.base : scanner.next_offset();
    const bool doubtful =
        result_.damage || (input_.trusted_end >= 0 && result_.good_next != input_.trusted_end);
    if (doubtful && last) DoubtLast(*last, max_before_last);
  }

  ScanDamage Unreadable(const SegmentScanner& scanner, const absl::Status& error) {
    result_.unreadable = true;
    return {scanner.position(), scanner.next_offset(), std::string(error.message())};
  }

  // A header that names a wrong length or last offset makes what follows look wrong. Its own checksum tells
  // which of the two it is.
  void DoubtLast(const ScannedBatch& last, const TimeEntry& max_before) {
    SegmentScanner alone(
        log_, {.from = last.position, .to = last.next_position(), .expected = last.header.base_offset});
    absl::StatusOr<std::optional<ScannedBatch>> sound = alone.Next();
    if (sound.ok() && sound->has_value()) return;
    result_.damage = sound.ok() ? alone.damage() : Unreadable(alone, sound.status());
    result_.good_bytes = last.position;
    result_.good_next = last.header.base_offset;
    IndexBuilder& builder = result_.builder;
    builder.max = max_before;
    std::erase_if(builder.offsets,
                  [&last](const OffsetEntry& entry) { return entry.position >= last.position; });
    std::erase_if(builder.times,
                  [&last](const TimeEntry& entry) { return entry.last_offset >= last.header.base_offset; });
  }

  static void ReportMissing(IndexFileState& state, size_t now, size_t loaded) {
    if (state.exists && state.problem.empty() && now > loaded) {
      state.problem = absl::StrCat(now - loaded, " entries missing");
    }
  }

  FileSystem& fs_;
  const File& log_;
  const IndexCheckInput& input_;
  std::vector<OffsetEntry> offsets_;
  std::vector<TimeEntry> times_;
  CheckedIndex result_;
};

}  // namespace

CheckedIndex CheckIndex(FileSystem& fs, const File& log, const IndexCheckInput& input) {
  return IndexChecker(fs, log, input).Run();
}

std::vector<std::string> SettleIndex(FileSystem& fs, const IndexCheckInput& input,
                                     const std::string& log_name, CheckedIndex& checked, FiledIndex& filed) {
  IndexBuilder& builder = checked.builder;
  const std::string offset_bytes = EncodeEntries(builder.offsets, input.base);
  const std::string time_bytes = EncodeEntries(builder.times, input.base);
  // Either both files are there or, as long as there is nothing to say, none.
  const bool wanted = input.complete || !offset_bytes.empty() || !time_bytes.empty();
  std::vector<std::string> notes;
  const auto settle = [&](IndexFileState& state, absl::string_view suffix, const std::string& bytes) {
    const std::string name = SegmentFileName(input.base, suffix);
    if (!state.exists && (input.complete || !bytes.empty())) state.problem = "missing";
    if (!state.problem.empty()) {
      notes.push_back(absl::StrCat("rebuilt ", name, " of ", log_name, ": ", state.problem));
    }
    const bool as_it_should_be = state.exists ? state.bytes == bytes : !wanted;
    return as_it_should_be ? absl::OkStatus() : WriteCacheFile(fs, input.dir, name, bytes);
  };
  absl::Status status = settle(checked.offsets, kIndexSuffix, offset_bytes);
  status.Update(settle(checked.times, kTimeIndexSuffix, time_bytes));
  filed = {};
  if (!status.ok()) return notes;
  filed = {static_cast<uint32_t>(builder.offsets.size()), static_cast<uint32_t>(builder.times.size())};
  builder.offsets = {};
  builder.times = {};
  return notes;
}

}  // namespace leat
