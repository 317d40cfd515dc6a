#include "storage/log/recovery.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/file_names.h"
#include "storage/log/recovery_plan.h"
#include "storage/log/segment_inspection.h"

namespace leat {
namespace {

// Of what is cut, this much is kept beside the log.
constexpr uint64_t kTornBytesMax = 16 * 1024 * 1024;

absl::Status RemoveIfThere(FileSystem& fs, const std::string& path) {
  absl::Status status = fs.Remove(path);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

class PartitionRecovery {
 public:
  PartitionRecovery(FileSystem& fs, const RecoveryInput& input) : fs_(fs), input_(input) {}

  absl::StatusOr<RecoveredPartition> Run() {
    for (absl::Status (PartitionRecovery::*step)() :
         {&PartitionRecovery::Refill, &PartitionRecovery::ListFiles, &PartitionRecovery::Measure,
          &PartitionRecovery::SyncKept, &PartitionRecovery::Inspect}) {
      if (absl::Status status = (this->*step)(); !status.ok()) return status;
    }
    plan_ = PlanRecovery(observed_);
    if (absl::Status status = ReadTail(); !status.ok()) return status;
    for (const std::string& note : plan_.notes) Note(note);
    if (absl::Status status = CarryOut(); !status.ok()) return status;
    Describe();
    return std::move(result_);
  }

 private:
  void Note(absl::string_view what) { result_.notes.push_back(absl::StrCat(input_.name, ": ", what)); }
  std::string PathOf(absl::string_view name) const { return absl::StrCat(input_.dir, "/", name); }
  std::string LogPath(size_t i) const { return SegmentPath(input_.dir, bases_[i], kLogSuffix); }

  // A frame of the journal wins at its offsets, whatever the segments hold there (R13).
  absl::Status Refill() {
    const Offset lowest = std::max(input_.log_start, input_.checkpoint ? input_.checkpoint->synced : 0);
    if (input_.refill.empty() || input_.refill.back().end_offset <= lowest) return absl::OkStatus();
    if (absl::Status made = CreateDirs(fs_, input_.dir); !made.ok()) return made;
    return RefillSegments(fs_, input_.dir, lowest, input_.refill, result_.bytes_refilled);
  }

  // The furthest place below which nothing may be missing; nothing without a checkpoint, because then nobody
  // knows what else was promised.
  std::optional<CheckpointEntry> Promised() const {
    if (!input_.checkpoint || !input_.promised) return input_.checkpoint;
    return input_.promised->synced > input_.checkpoint->synced ? input_.promised : input_.checkpoint;
  }

  absl::Status ListFiles() {
    absl::StatusOr<std::vector<DirEntry>> entries = fs_.List(input_.dir);
    if (absl::IsNotFound(entries.status())) return absl::OkStatus();
    if (!entries.ok()) {
      observed_.unreadable = std::string(entries.status().message());
      return Unreadable(entries.status());
    }
    dir_exists_ = true;
    std::vector<std::pair<std::string, Offset>> indexes;
    for (const DirEntry& entry : *entries) {
      const LogFileName name = ParseLogFileName(entry.name);
      const LogFileKind kind = entry.is_directory ? LogFileKind::kUnknown : name.kind;
      if (kind == LogFileKind::kLog) bases_.push_back(name.base);
      if (kind == LogFileKind::kIndex || kind == LogFileKind::kTimeIndex)
        indexes.push_back({entry.name, name.base});
      if (kind == LogFileKind::kTemporary) {
        if (absl::Status status = RemoveIfThere(fs_, PathOf(entry.name)); !status.ok()) return status;
      }
      if (kind == LogFileKind::kUnknown) Note(absl::StrCat("left alone an unknown file: ", entry.name));
    }
    std::sort(bases_.begin(), bases_.end());
    for (const auto& [name, base] : indexes) {
      if (std::binary_search(bases_.begin(), bases_.end(), base)) continue;
      if (absl::Status status = RemoveIfThere(fs_, PathOf(name)); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // A segment that cannot be opened is one that cannot be read. Only a lack of descriptors says nothing about
  // it.
  absl::Status Unreadable(const absl::Status& error) {
    return CodeOf(error) == ErrorCode::kLimitExceeded ? error : absl::OkStatus();
  }
  absl::Status Unreadable(size_t i, const absl::Status& error) {
    open_errors_[i] = std::string(error.message());
    return Unreadable(error);
  }

  absl::Status Measure() {
    sizes_.resize(bases_.size());
    open_errors_.resize(bases_.size());
    for (size_t i = 0; i < bases_.size(); ++i) {
      absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(LogPath(i), OpenMode::kRead);
      absl::StatusOr<uint64_t> size = file.ok() ? (*file)->Size() : absl::StatusOr<uint64_t>(file.status());
      if (size.ok()) {
        sizes_[i] = *size;
      } else if (absl::Status status = Unreadable(i, size.status()); !status.ok()) {
        return status;
      }
    }
    // A clean stop is believed as far as the files agree with it.
    clean_ = input_.clean && input_.checkpoint && !bases_.empty() &&
             bases_.back() == input_.checkpoint->segment_base && sizes_.back() == input_.checkpoint->position;
    return absl::OkStatus();
  }

  // What is read from now on must be what a power loss would leave (R12).
  absl::Status SyncKept() {
    if (clean_ || !dir_exists_) return absl::OkStatus();
    for (size_t i = 0; i < bases_.size(); ++i) {
      if (input_.checkpoint && bases_[i] < input_.checkpoint->segment_base) continue;
      if (!open_errors_[i].empty()) continue;
      absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(LogPath(i), OpenMode::kReadWrite);
      if (!file.ok()) {
        if (absl::Status status = Unreadable(i, file.status()); !status.ok()) return status;
        continue;
      }
      if (absl::Status status = (*file)->Sync(); !status.ok()) return status;
      if (absl::Status status = (*file)->DropCache(); !status.ok()) return status;
    }
    return fs_.SyncDir(input_.dir);
  }

  absl::Status Inspect() {
    observed_.log_start = input_.log_start;
    observed_.checkpoint = Promised();
    for (size_t i = 0; i < bases_.size(); ++i) {
      if (absl::Status status = InspectOne(i); !status.ok()) return status;
      InspectedSegment& segment = inspected_.back();
      result_.batches_scanned += segment.batches_scanned;
      result_.bytes_scanned += segment.bytes_scanned;
      result_.indexes_rebuilt += static_cast<uint32_t>(segment.notes.size());
      for (std::string& note : segment.notes) result_.notes.push_back(std::move(note));
      observed_.segments.push_back(segment.seen);
    }
    return absl::OkStatus();
  }

  absl::Status InspectOne(size_t i) {
    if (open_errors_[i].empty()) {
      absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(LogPath(i), OpenMode::kRead);
      if (file.ok()) {
        inspected_.push_back(InspectSegment(fs_, **file,
                                            {.dir = input_.dir,
                                             .log_name = input_.name,
                                             .base = bases_[i],
                                             .bytes = sizes_[i],
                                             .checkpoint = input_.checkpoint,
                                             .clean = clean_,
                                             .next_base = i + 1 < bases_.size() ? bases_[i + 1] : -1,
                                             .index_interval_bytes = input_.index_interval_bytes}));
        return absl::OkStatus();
      }
      if (absl::Status status = Unreadable(i, file.status()); !status.ok()) return status;
    }
    InspectedSegment& segment = inspected_.emplace_back();
    segment.seen.base = segment.seen.good_next = segment.seen.seen_next = bases_[i];
    segment.seen.bytes = sizes_[i];
    segment.seen.reason = open_errors_[i];
    segment.seen.unreadable = true;
    return absl::OkStatus();
  }

  // What is about to be cut, to be kept beside the log. When it cannot be read, it is not cut.
  absl::Status ReadTail() {
    for (size_t i = 0; i < plan_.segments.size(); ++i) {
      if (plan_.segments[i].action != SegmentPlan::Action::kCutTail) continue;
      SegmentObservation& seen = observed_.segments[i];
      tail_.resize(std::min(seen.bytes - seen.good_bytes, kTornBytesMax));
      absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(LogPath(i), OpenMode::kRead);
      absl::StatusOr<size_t> read = file.ok() ? (*file)->ReadAt(seen.good_bytes, absl::MakeSpan(tail_))
                                              : absl::StatusOr<size_t>(file.status());
      if (read.ok()) {
        tail_.resize(*read);
        return absl::OkStatus();  // no plan cuts two
      }
      if (absl::Status status = Unreadable(i, read.status()); !status.ok()) return status;
      seen.unreadable = true;
      seen.reason = open_errors_[i];
      plan_ = PlanRecovery(observed_);
      return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  absl::Status CarryOut() {
    bool names_changed = false;
    // From the end, so that a crash in between leaves no hole that was not there.
    for (size_t i = plan_.segments.size(); i-- > 0;) {
      absl::Status status;
      if (plan_.segments[i].action == SegmentPlan::Action::kCutTail) status = CutTail(i);
      if (plan_.segments[i].action == SegmentPlan::Action::kSetAside) {
        status = SetAside(i);
        names_changed = true;
      }
      if (!status.ok()) return status;
    }
    return names_changed ? fs_.SyncDir(input_.dir) : absl::OkStatus();
  }

  absl::StatusOr<std::string> FreeTornName(size_t i, uint64_t position) {
    const std::string first = TornFileName(bases_[i], position);
    std::string name = first;
    for (int copy = 2;; ++copy) {
      absl::StatusOr<bool> taken = fs_.Exists(PathOf(name));
      if (!taken.ok()) return taken.status();
      if (!*taken) return name;
      name = absl::StrCat(first, "-", copy);
    }
  }

  absl::Status CutTail(size_t i) {
    const SegmentObservation& seen = observed_.segments[i];
    absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(LogPath(i), OpenMode::kReadWrite);
    if (!file.ok()) return file.status();
    if (absl::Status status = SaveTail(i); !status.ok()) return status;
    if (absl::Status status = (*file)->Truncate(seen.good_bytes); !status.ok()) return status;
    if (absl::Status status = (*file)->Sync(); !status.ok()) return status;
    result_.bytes_cut += seen.bytes - seen.good_bytes;
    return absl::OkStatus();
  }

  absl::Status SaveTail(size_t i) {
    absl::StatusOr<std::string> name = FreeTornName(i, observed_.segments[i].good_bytes);
    if (!name.ok()) return name.status();
    absl::Status status = ReplaceFile(fs_, input_.dir, *name, tail_);
    if (CodeOf(status) == ErrorCode::kDiskFull) {
      // A full disk is where tails get torn; it must not keep the log from opening.
      Note(absl::StrCat("no room to save what was cut: ", status.message()));
      return RemoveIfThere(fs_, PathOf(absl::StrCat(*name, ".tmp")));
    }
    if (status.ok()) Note(absl::StrCat("what was cut is in ", *name));
    return status;
  }

  absl::Status SetAside(size_t i) {
    absl::StatusOr<std::string> name = FreeTornName(i, 0);
    if (!name.ok()) return name.status();
    for (const absl::string_view suffix : {kIndexSuffix, kTimeIndexSuffix}) {
      absl::Status status = RemoveIfThere(fs_, SegmentPath(input_.dir, bases_[i], suffix));
      if (!status.ok()) return status;
    }
    if (absl::Status status = fs_.Rename(LogPath(i), PathOf(*name)); !status.ok()) return status;
    result_.bytes_cut += sizes_[i];
    Note(absl::StrCat("set aside as ", *name, ": ", SegmentFileName(bases_[i], kLogSuffix)));
    return absl::OkStatus();
  }

  void Describe() {
    result_.marks = {input_.log_start, plan_.end, plan_.end, plan_.end};
    if (!plan_.fence.empty()) {
      result_.write_status =
          MakeError(ErrorCode::kPartitionFenced,
                    absl::StrCat("partition ", input_.name, " takes no more records: ", plan_.fence,
                                 "; look at it with: leat log verify ", input_.dir));
      result_.checkpoint = Promised();
    }
    for (size_t i = 0; i < plan_.segments.size(); ++i) {
      if (plan_.segments[i].action == SegmentPlan::Action::kSetAside) continue;
      const SegmentObservation& seen = observed_.segments[i];
      if (!result_.segments.empty()) result_.segments.back().next_offset = seen.base;
      const bool cut = plan_.segments[i].action == SegmentPlan::Action::kCutTail;
      result_.segments.push_back({.base = seen.base,
                                  .next_offset = seen.good_next,
                                  .bytes = cut ? seen.good_bytes : seen.bytes,
                                  .damage = plan_.segments[i].damage,
                                  .first_timestamp_ms = inspected_[i].first_timestamp_ms,
                                  .filed = inspected_[i].filed,
                                  .index = std::move(inspected_[i].index)});
    }
    FindLost();
    if (plan_.fence.empty()) {
      const RecoveredSegment& active = result_.segments.back();
      result_.checkpoint = CheckpointEntry{.partition_id = input_.partition_id,
                                           .log_start = input_.log_start,
                                           .synced = plan_.end,
                                           .segment_base = active.base,
                                           .position = active.bytes};
    }
  }

  void FindLost() {
    Offset next = result_.marks.log_start;
    const auto skip_to = [&](Offset base) {
      if (base > next) result_.lost.push_back({next, base});
    };
    for (const RecoveredSegment& segment : result_.segments) {
      skip_to(segment.base);
      next = std::max(next, segment.damage ? segment.damage->offset : segment.next_offset);
    }
    skip_to(result_.marks.end);
  }

  FileSystem& fs_;
  const RecoveryInput& input_;
  bool dir_exists_ = false;
  bool clean_ = false;
  std::vector<Offset> bases_;  // of the segments, ascending
  std::vector<uint64_t> sizes_;
  std::vector<std::string> open_errors_;  // empty: the segment could be opened
  std::string tail_;                      // of what is cut
  std::vector<InspectedSegment> inspected_;
  RecoveryObservations observed_;
  RecoveryPlan plan_;
  RecoveredPartition result_;
};

}  // namespace

absl::StatusOr<RecoveredPartition> RecoverPartition(FileSystem& fs, const RecoveryInput& input) {
  return PartitionRecovery(fs, input).Run();
}

}  // namespace leat
