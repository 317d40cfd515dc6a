#include "storage/checkpointer.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

// Long enough that a run of topic operations shares one checkpoint.
constexpr absl::Duration kUrgentDelay = absl::Milliseconds(200);

}  // namespace

void Checkpointer::NoteUrgent() {
  {
    MutexLock lock(mutex_);
    if (stopped_ || std::exchange(urgent_, true)) return;
  }
  parts_.background.PostAfter(std::min(kUrgentDelay, parts_.interval), [this] { OnTimer(); });
}

void Checkpointer::Arm(absl::Duration delay) {
  {
    MutexLock lock(mutex_);
    if (stopped_ || std::exchange(armed_, true)) return;
  }
  parts_.background.PostAfter(delay, [this] { OnTimer(); });
}

void Checkpointer::OnTimer() {
  {
    MutexLock lock(mutex_);
    // The other timer has done the work of this one already.
    if (stopped_ || (!armed_ && !urgent_)) return;
    // Commits from here on are not told for sure by this checkpoint.
    armed_ = false;
    urgent_ = false;
  }
  const absl::Status written = Write(/*clean=*/false);
  if (written.ok()) return;
  // No room, or no file to be had: the former checkpoint stays true, and the next one may succeed.
  if (CodeOf(written) == ErrorCode::kDiskFull || CodeOf(written) == ErrorCode::kLimitExceeded) return Note();
  parts_.on_failure(written);
}

absl::Status Checkpointer::Write(bool clean) {
  MutexLock lock(write_mutex_);
  // A timer that was under way must not take back what a clean stop said.
  if (closed_) return absl::OkStatus();
  Checkpoint checkpoint = Collect();
  checkpoint.clean = clean;
  checkpoint.sequence = sequence_ + 1;
  if (absl::Status written = WriteCheckpoint(parts_.fs, parts_.meta_dir, checkpoint); !written.ok()) {
    return written;
  }
  parts_.journal.RemoveBelow(checkpoint.journal_oldest_sequence);
  closed_ = clean;
  ++sequence_;
  written_.fetch_add(1, std::memory_order_relaxed);
  return absl::OkStatus();
}

Checkpoint Checkpointer::Collect() {
  Checkpoint checkpoint;
  checkpoint.data_id = parts_.data_id;
  checkpoint.journal_epoch = parts_.journal.epoch();
  const uint64_t head = parts_.journal.HeadSequence();
  const auto add = [&](const SegmentedLog& log) {
    if (const std::optional<CheckpointEntry> entry = log.checkpoint()) {
      checkpoint.entries.push_back(*entry);
    } else {
      checkpoint.unproven.push_back(log.id());
    }
  };
  add(*parts_.metadata_log);
  for (const auto& log : parts_.table.Logs()) add(*log);
  std::sort(
      checkpoint.entries.begin(), checkpoint.entries.end(),
      [](const CheckpointEntry& a, const CheckpointEntry& b) { return a.partition_id < b.partition_id; });
  std::sort(checkpoint.unproven.begin(), checkpoint.unproven.end());
  absl::flat_hash_map<uint64_t, Offset> synced;
  for (const CheckpointEntry& entry : checkpoint.entries) synced.emplace(entry.partition_id, entry.synced);
  checkpoint.journal_oldest_sequence = parts_.journal.OldestNeeded(head, synced);
  return checkpoint;
}

void Checkpointer::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
}

}  // namespace leat
