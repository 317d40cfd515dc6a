#include "storage/journal/journal.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/journal/journal_reader.h"

namespace leat {
namespace {

// Zeros are written in steps, so that a commit never queues behind a whole file of them.
constexpr size_t kFillBytes = 1 << 20;
constexpr absl::Duration kRetryDelay = absl::Seconds(1);

}  // namespace

Journal::Journal(FileSystem& fs, Executor& background, const Options& options, const Start& start)
    : fs_(fs),
      background_(background),
      options_(options),
      start_(start),
      next_sequence_(start.accepted_sequence + 1),
      durable_sequence_(start.accepted_sequence),
      next_number_(start.file_number + 1),
      former_files_(start.former_files) {}

absl::StatusOr<std::unique_ptr<Journal>> Journal::Open(FileSystem& fs, Executor& background,
                                                       const Options& options, const Start& start) {
  std::unique_ptr<Journal> journal(new Journal(fs, background, options, start));
  const std::string path = absl::StrCat(options.dir, "/", JournalFileName(start.file_number));
  if (absl::Status opened = journal->OpenFirst(path); !opened.ok()) {
    fs.Remove(path).IgnoreError();
    return opened;
  }
  return journal;
}

// Small, so that a start is quick and a broker without load takes no room: it grows as long as nothing better
// is there.
absl::Status Journal::OpenFirst(const std::string& first_path) {
  if (absl::Status made = CreateDirs(fs_, options_.dir); !made.ok()) return made;
  absl::StatusOr<std::unique_ptr<File>> created = fs_.Open(first_path, OpenMode::kCreateNew);
  if (!created.ok()) return created.status();
  auto file = std::make_shared<JournalFile>();
  file->number = start_.file_number;
  file->path = first_path;
  file->file = *std::move(created);
  if (absl::Status turned = TurnTo(file); !turned.ok()) return turned;
  filled_ = false;
  if (absl::Status synced = Sync(); !synced.ok()) return synced;
  return fs_.SyncDir(options_.dir);
}

absl::Status Journal::TurnTo(const std::shared_ptr<JournalFile>& next) {
  // A group in the next file may be durable only when all before it is.
  if (unsynced_) {
    if (absl::Status synced = Sync(); !synced.ok()) return synced;
  }
  const std::string block = EncodeJournalFileHeader({.journal_id = options_.journal_id,
                                                     .epoch = start_.epoch,
                                                     .first_sequence = next_sequence_,
                                                     .accepted_sequence = start_.accepted_sequence});
  active_ = next->file;
  filled_ = true;
  broken_ = false;
  position_ = 0;
  capacity_ = options_.file_bytes;
  {
    MutexLock lock(mutex_);
    next->first_sequence = next_sequence_;
    files_.push_back(next);
  }
  return Write(block);
}

absl::Status Journal::MakeRoom(uint64_t bytes) {
  if (sync_failed_) return error_;
  std::shared_ptr<JournalFile> next;
  const bool fits = !broken_ && position_ + bytes <= capacity_;
  {
    MutexLock lock(mutex_);
    if (!fits || !filled_) next = std::exchange(next_, nullptr);
  }
  if (next != nullptr) return TurnTo(next);
  // While the next one is not there yet the active file grows beyond its size: slower, and bounded.
  if (fits || (!broken_ && position_ + bytes <= 2 * capacity_)) return absl::OkStatus();
  return MakeError(ErrorCode::kDiskFull, "there is no room for another journal file yet");
}

Journal::Result Journal::NotWritten(const absl::Status& cause) {
  error_ = cause;
  if (sync_failed_) return Result::kSyncFailed;
  PrepareNext();
  return Result::kNotWritten;
}

Journal::Result Journal::Commit(absl::Span<const std::shared_ptr<SegmentedLog>> logs,
                                absl::Span<const CommitWork> works) {
  uint64_t payload = 0;
  size_t frames = 0;
  for (const CommitWork& work : works) {
    frames += work.pieces.size();
    for (const CommitPiece& piece : work.pieces) payload += piece.bytes;
  }
  const uint64_t bytes = JournalGroupBuilder::BytesOf(frames, payload);
  if (bytes > options_.file_bytes - kJournalBlockBytes) {
    return NotWritten(MakeError(ErrorCode::kLimitExceeded, "the group is larger than a journal file"));
  }
  if (absl::Status made = MakeRoom(bytes); !made.ok()) return NotWritten(made);
  if (absl::Status filled = Fill(logs, works); !filled.ok()) return NotWritten(filled);
  if (absl::Status written = Write(builder_.Finish()); !written.ok()) return NotWritten(written);
  next_sequence_ = builder_.next_sequence();
  if (absl::Status synced = Sync(); !synced.ok()) return NotWritten(synced);
  NoteDurable(logs, works);
  if (!filled_ || position_ > capacity_ / 2) PrepareNext();
  return Result::kDurable;
}

absl::Status Journal::Fill(absl::Span<const std::shared_ptr<SegmentedLog>> logs,
                           absl::Span<const CommitWork> works) {
  uint64_t durable = 0;
  {
    MutexLock lock(mutex_);
    durable = durable_sequence_;
  }
  builder_.Begin({start_.epoch, next_sequence_, durable});
  for (size_t i = 0; i < works.size(); ++i) {
    for (const CommitPiece& piece : works[i].pieces) {
      const absl::StatusOr<std::shared_ptr<File>> file = piece.file->Open();
      if (!file.ok()) return file.status();
      const absl::Span<char> to = builder_.AddData({.partition_id = logs[i]->id(),
                                                    .base_offset = piece.base_offset,
                                                    .end_offset = piece.end_offset,
                                                    .segment_base = piece.file->base(),
                                                    .position = piece.position},
                                                   static_cast<uint32_t>(piece.bytes));
      const absl::StatusOr<size_t> got = (*file)->ReadAt(piece.position, to);
      if (!got.ok()) return got.status();
      if (*got != to.size()) {
        return MakeError(ErrorCode::kStorageError,
                         absl::StrCat(piece.file->path(), " is shorter than written"));
      }
    }
  }
  return absl::OkStatus();
}

void Journal::WriteMarks(absl::Span<const CheckpointEntry> entries) {
  if (sync_failed_ || entries.empty()) return;
  if (JournalGroupBuilder::BytesOf(entries.size(), 0) > options_.file_bytes - kJournalBlockBytes) return;
  if (!MakeRoom(JournalGroupBuilder::BytesOf(entries.size(), 0)).ok()) return PrepareNext();
  uint64_t durable = 0;
  {
    MutexLock lock(mutex_);
    durable = durable_sequence_;
  }
  builder_.Begin({start_.epoch, next_sequence_, durable});
  for (const CheckpointEntry& entry : entries) builder_.AddMark(entry);
  if (!Write(builder_.Finish()).ok()) return;
  next_sequence_ = builder_.next_sequence();
  unsynced_ = true;
  if (position_ > capacity_ / 2) PrepareNext();
}

absl::Status Journal::Write(absl::string_view group) {
  absl::Status written = active_->WriteAt(position_, absl::MakeConstSpan(&group, 1));
  if (!written.ok()) {
    // What it has left must not be taken for a group: the next one goes to another file.
    broken_ = true;
    return written;
  }
  position_ += group.size();
  MutexLock lock(mutex_);
  files_.back()->bytes = std::max(files_.back()->bytes, position_);
  bytes_written_ += group.size();
  return absl::OkStatus();
}

absl::Status Journal::Sync() {
  if (absl::Status synced = active_->Sync(); !synced.ok()) {
    sync_failed_ = true;
    return error_ = synced;
  }
  unsynced_ = false;
  MutexLock lock(mutex_);
  files_.back()->header_durable = true;
  durable_sequence_ = next_sequence_ - 1;
  return absl::OkStatus();
}

void Journal::NoteDurable(absl::Span<const std::shared_ptr<SegmentedLog>> logs,
                          absl::Span<const CommitWork> works) {
  MutexLock lock(mutex_);
  auto& needed = files_.back()->needed;
  for (size_t i = 0; i < works.size(); ++i) {
    if (!works[i].pieces.empty()) needed[logs[i]->id()] = works[i].pieces.back().end_offset;
  }
}

uint64_t Journal::HeadSequence() const {
  MutexLock lock(mutex_);
  return durable_sequence_ + 1;
}

uint64_t Journal::OldestNeeded(uint64_t head, const absl::flat_hash_map<uint64_t, Offset>& synced) const {
  MutexLock lock(mutex_);
  for (const auto& file : files_) {
    if (file->first_sequence >= head) break;
    for (const auto& [id, offset] : file->needed) {
      // A partition that is not there has been deleted.
      const auto entry = synced.find(id);
      if (entry != synced.end() && entry->second < offset) return file->first_sequence;
    }
  }
  return head;
}

void Journal::RemoveBelow(uint64_t oldest) {
  std::vector<std::string> paths;
  {
    MutexLock lock(mutex_);
    paths.swap(former_files_);
    while (files_.size() > 1 && files_[1]->header_durable && files_[1]->first_sequence <= oldest) {
      paths.push_back(files_.front()->path);
      files_.pop_front();
    }
  }
  if (paths.empty()) return;
  background_.Post([this, paths = std::move(paths)] {
    // What stays is removed after the next start.
    for (const std::string& path : paths) fs_.Remove(path).IgnoreError();
  });
}

Journal::Stats Journal::stats() const {
  MutexLock lock(mutex_);
  Stats stats;
  stats.files = files_.size() + (next_ == nullptr ? 0 : 1);
  stats.bytes = next_ == nullptr ? 0 : next_->bytes;
  for (const auto& file : files_) stats.bytes += file->bytes;
  stats.bytes_max = options_.bytes_max;
  stats.bytes_written = bytes_written_;
  return stats;
}

bool Journal::UnderPressure() const {
  const Stats now = stats();
  return now.bytes > now.bytes_max / 4;
}

void Journal::PrepareNext() {
  const uint64_t bytes = stats().bytes;
  auto file = std::make_shared<JournalFile>();
  {
    MutexLock lock(mutex_);
    if (preparing_ || next_ != nullptr || bytes + options_.file_bytes > options_.bytes_max) return;
    preparing_ = true;
    file->number = next_number_++;
  }
  file->path = absl::StrCat(options_.dir, "/", JournalFileName(file->number));
  background_.Post([this, file] { MakeNext(file); });
}

void Journal::MakeNext(const std::shared_ptr<JournalFile>& file) {
  absl::StatusOr<std::unique_ptr<File>> created = fs_.Open(file->path, OpenMode::kCreateNew);
  if (!created.ok()) return GiveUpNext(file);
  file->file = *std::move(created);
  ZeroFill(file);
}

void Journal::ZeroFill(const std::shared_ptr<JournalFile>& file) {
  if (file->bytes < options_.file_bytes) {
    const std::string zeros(std::min<uint64_t>(kFillBytes, options_.file_bytes - file->bytes), '\0');
    const absl::string_view part = zeros;
    absl::Status filled = file->file->WriteAt(file->bytes, absl::MakeConstSpan(&part, 1));
    // Of an unused file a failed sync loses nothing, but the file is not to be trusted.
    if (filled.ok()) filled = file->file->Sync();
    if (!filled.ok()) return GiveUpNext(file);
    file->bytes += zeros.size();
    background_.Post([this, file] { ZeroFill(file); });
    return;
  }
  if (!fs_.SyncDir(options_.dir).ok()) return GiveUpNext(file);
  MutexLock lock(mutex_);
  next_ = file;
  preparing_ = false;
}

void Journal::GiveUpNext(const std::shared_ptr<JournalFile>& file) {
  fs_.Remove(file->path).IgnoreError();
  background_.PostAfter(kRetryDelay, [this] {
    MutexLock lock(mutex_);
    preparing_ = false;
  });
}

}  // namespace leat
