#include "tools/cli/verify_segment.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/record/record_iterator.h"
#include "storage/log/index_file.h"
#include "storage/log/segment_scanner.h"
#include "tools/cli/json.h"

namespace leat {
namespace {

constexpr uint64_t kIndexBytesMax = 1ULL << 30;

// What the index files may refer to.
struct BatchPlace {
  uint64_t position = 0;
  Offset last_offset = 0;
  int64_t max_timestamp_ms = -1;
};

class SegmentVerifier {
 public:
  SegmentVerifier(FileSystem& fs, std::string dir, const SegmentFiles& segment,
                  const PartitionPromise& promise, LogVerdict* verdict)
      : fs_(fs),
        dir_(std::move(dir)),
        segment_(segment),
        promise_(promise),
        verdict_(verdict),
        path_(SegmentPath(dir_, segment.base, kLogSuffix)) {}

  absl::StatusOr<SegmentEnd> Verify(bool last);

 private:
  absl::Status VerifyBatches(const File& file, uint64_t size, bool last);
  void VerifyRecords(const File& file, const ScannedBatch& batch);
  bool MayBeTorn(uint64_t position) const;
  void VerifyCheckpoint();
  void VerifyOffsetIndex();
  void VerifyTimeIndex();
  template <typename Entry>
  std::optional<std::vector<Entry>> ReadIndex(bool exists, const std::string& path, const char* kind);
  const BatchPlace* FindBatch(Offset last_offset) const;

  FileSystem& fs_;
  const std::string dir_;
  const SegmentFiles& segment_;
  const PartitionPromise& promise_;
  LogVerdict* verdict_;
  const std::string path_;
  std::vector<BatchPlace> batches_;
  SegmentEnd end_;
  bool damaged_ = false;
};

absl::StatusOr<SegmentEnd> SegmentVerifier::Verify(bool last) {
  ++verdict_->segments;
  end_.next_offset = segment_.base;
  if (!segment_.log) {
    verdict_->Error("missing", path_, -1, "there are index files, but no log file");
    return end_;
  }
  const absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path_, OpenMode::kRead);
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  verdict_->bytes += *size;
  absl::Status status = VerifyBatches(**file, *size, last);
  if (!status.ok()) return status;
  VerifyCheckpoint();
  VerifyOffsetIndex();
  VerifyTimeIndex();
  return end_;
}

absl::Status SegmentVerifier::VerifyBatches(const File& file, uint64_t size, bool last) {
  ScanOptions options;
  options.to = size;
  options.expected = segment_.base;
  while (true) {
    SegmentScanner scanner(file, options);
    while (true) {
      const absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
      if (!batch.ok()) return batch.status();
      if (!batch->has_value()) break;
      batches_.push_back(
          {(*batch)->position, (*batch)->header.last_offset(), (*batch)->header.max_timestamp_ms});
      end_ = {(*batch)->header.next_offset(), (*batch)->next_position()};
      VerifyRecords(file, **batch);
    }
    if (!scanner.damage().has_value()) return absl::OkStatus();
    damaged_ = true;
    const ScanDamage damage = *scanner.damage();
    const absl::StatusOr<std::optional<ScannedBatch>> next = scanner.FindBatchAfterDamage();
    if (!next.ok()) return next.status();
    const auto position = static_cast<int64_t>(damage.position);
    if (!next->has_value()) {
      const std::string text =
          absl::StrCat(damage.reason, "; the last ", size - damage.position,
                       " bytes of the file, from offset ", damage.expected, " on, are no batch");
      if (last && MayBeTorn(damage.position)) {
        verdict_->Warn("torn_tail", path_, position,
                       absl::StrCat(text, "; nothing there was promised, the next start of leatd cuts it"));
      } else {
        verdict_->Error("damage", path_, position, text);
      }
      return absl::OkStatus();
    }
    verdict_->Error(
        "damage", path_, position,
        absl::StrCat(damage.reason, "; offsets ", damage.expected, " to ", (*next)->header.base_offset - 1,
                     " (", (*next)->position - damage.position, " bytes) cannot be read"));
    options.from = (*next)->position;
    options.expected = (*next)->header.base_offset;
  }
}

// Bytes above the checkpoint of an unclean stop were never promised.
bool SegmentVerifier::MayBeTorn(uint64_t position) const {
  if (promise_.clean || !promise_.checkpoint.has_value()) return false;
  const CheckpointEntry& entry = *promise_.checkpoint;
  return segment_.base > entry.segment_base ||
         (segment_.base == entry.segment_base && position >= entry.position);
}

void SegmentVerifier::VerifyRecords(const File& file, const ScannedBatch& scanned) {
  ++verdict_->batches;
  const auto wrong = [&](const absl::Status& status) {
    verdict_->Error("record", path_, static_cast<int64_t>(scanned.position),
                    absl::StrCat("the batch of offsets ", scanned.header.base_offset, " to ",
                                 scanned.header.last_offset(), ": ", status.message()));
  };
  const absl::StatusOr<std::string> bytes = ReadBatch(file, scanned);
  if (!bytes.ok()) return wrong(bytes.status());
  const absl::StatusOr<BatchView> batch = BatchView::Parse(*bytes);
  if (!batch.ok()) return wrong(batch.status());
  absl::StatusOr<RecordIterator> records = RecordIterator::Create(*batch);
  if (!records.ok()) return wrong(records.status());
  while (true) {
    const absl::StatusOr<std::optional<RecordView>> record = records->Next();
    if (!record.ok()) return wrong(record.status());
    if (!record->has_value()) return;
    ++verdict_->records;
  }
}

void SegmentVerifier::VerifyCheckpoint() {
  if (!promise_.checkpoint.has_value() || promise_.checkpoint->segment_base != segment_.base) return;
  const CheckpointEntry& entry = *promise_.checkpoint;
  if (end_.position < entry.position) {
    // Damage that was reported already explains it.
    if (!damaged_) {
      verdict_->Error("checkpoint", path_, static_cast<int64_t>(end_.position),
                      absl::StrCat("the file ends with offset ", end_.next_offset - 1, ", but offsets below ",
                                   entry.synced, " were promised: ", entry.position - end_.position,
                                   " bytes are missing"));
    }
    return;
  }
  const auto after =
      std::lower_bound(batches_.begin(), batches_.end(), entry.position,
                       [](const BatchPlace& batch, uint64_t position) { return batch.position < position; });
  const Offset before = after == batches_.begin() ? segment_.base : std::prev(after)->last_offset + 1;
  const bool boundary =
      after == batches_.end() ? end_.position == entry.position : after->position == entry.position;
  if ((!boundary || before != entry.synced) && !damaged_) {
    verdict_->Error(
        "checkpoint", path_, static_cast<int64_t>(entry.position),
        absl::StrCat("the checkpoint says that offset ", entry.synced, " starts here; it does not"));
  }
  if (promise_.clean && end_.position > entry.position) {
    verdict_->Error("checkpoint", path_, static_cast<int64_t>(entry.position),
                    absl::StrCat("the daemon was stopped cleanly at offset ", entry.synced, ", but ",
                                 end_.position - entry.position, " bytes follow"));
  }
}

template <typename Entry>
std::optional<std::vector<Entry>> SegmentVerifier::ReadIndex(bool exists, const std::string& path,
                                                             const char* kind) {
  if (!exists) {
    // A small segment may have none yet.
    if (promise_.clean) verdict_->Warn(kind, path, -1, "missing; the next start of leatd builds it anew");
    return std::nullopt;
  }
  const absl::StatusOr<std::string> bytes = ReadWholeFile(fs_, path, kIndexBytesMax);
  if (!bytes.ok()) {
    verdict_->Error(kind, path, -1, ToStdString(bytes.status().message()));
    return std::nullopt;
  }
  if (bytes->size() % Entry::kBytes != 0) {
    verdict_->Error(kind, path, static_cast<int64_t>(bytes->size() - bytes->size() % Entry::kBytes),
                    absl::StrCat(bytes->size() % Entry::kBytes, " bytes of half an entry at the end"));
  }
  return DecodeEntries<Entry>(*bytes, segment_.base);
}

const BatchPlace* SegmentVerifier::FindBatch(Offset last_offset) const {
  const auto found =
      std::lower_bound(batches_.begin(), batches_.end(), last_offset,
                       [](const BatchPlace& batch, Offset offset) { return batch.last_offset < offset; });
  return found != batches_.end() && found->last_offset == last_offset ? &*found : nullptr;
}

void SegmentVerifier::VerifyOffsetIndex() {
  const std::string path = SegmentPath(dir_, segment_.base, kIndexSuffix);
  const auto entries = ReadIndex<OffsetEntry>(segment_.index, path, "index");
  if (!entries.has_value()) return;
  Offset before = -1;
  for (size_t i = 0; i < entries->size(); ++i) {
    const OffsetEntry& entry = (*entries)[i];
    const BatchPlace* const batch = FindBatch(entry.last_offset);
    std::string text;
    if (entry.last_offset <= before) {
      text = absl::StrCat("offset ", entry.last_offset, " comes after ", before);
    } else if (batch == nullptr) {
      text = absl::StrCat("no batch ends with offset ", entry.last_offset);
    } else if (batch->position != entry.position) {
      text = absl::StrCat("the batch that ends with offset ", entry.last_offset, " is at position ",
                          batch->position, " of the log, not at ", entry.position);
    }
    before = entry.last_offset;
    if (text.empty()) continue;
    verdict_->Error("index", path, static_cast<int64_t>(i * OffsetEntry::kBytes), text);
    return;  // what follows a wrong entry tells no more
  }
}

void SegmentVerifier::VerifyTimeIndex() {
  const std::string path = SegmentPath(dir_, segment_.base, kTimeIndexSuffix);
  const auto entries = ReadIndex<TimeEntry>(segment_.time_index, path, "time_index");
  if (!entries.has_value()) return;
  int64_t before = -1;
  size_t next = 0;
  BatchPlace max;  // the earliest batch with the largest timestamp so far
  for (size_t i = 0; i < entries->size(); ++i) {
    const TimeEntry& entry = (*entries)[i];
    for (; next < batches_.size() && batches_[next].last_offset <= entry.last_offset; ++next) {
      if (batches_[next].max_timestamp_ms > max.max_timestamp_ms) max = batches_[next];
    }
    std::string text;
    if (entry.timestamp_ms <= before) {
      text = absl::StrCat("timestamp ", entry.timestamp_ms, " comes after ", before);
    } else if (max.last_offset != entry.last_offset || max.max_timestamp_ms != entry.timestamp_ms) {
      text = absl::StrCat("up to offset ", entry.last_offset, " the largest timestamp is ",
                          max.max_timestamp_ms, " at offset ", max.last_offset, ", not ", entry.timestamp_ms);
    }
    before = entry.timestamp_ms;
    if (text.empty()) continue;
    verdict_->Error("time_index", path, static_cast<int64_t>(i * TimeEntry::kBytes), text);
    return;
  }
}

}  // namespace

absl::StatusOr<SegmentEnd> VerifySegment(FileSystem& fs, const std::string& dir, const SegmentFiles& segment,
                                         const PartitionPromise& promise, bool last, LogVerdict* verdict) {
  return SegmentVerifier(fs, dir, segment, promise, verdict).Verify(last);
}

}  // namespace leat
