#include "storage/journal/journal_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

constexpr absl::string_view kSuffix = ".journal";
constexpr size_t kNumberDigits = 10;
// Larger than any file that a setting allows, and small enough to be read as a whole.
constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;

std::optional<uint64_t> NumberOf(absl::string_view name) {
  uint64_t number = 0;
  if (!absl::ConsumeSuffix(&name, kSuffix) || name.size() < kNumberDigits) return std::nullopt;
  if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  if (!absl::SimpleAtoi(name, &number)) return std::nullopt;
  return number;
}

struct JournalFile {
  uint64_t number = 0;
  std::string path;
  std::shared_ptr<const File> file;
  JournalFileState state = JournalFileState::kDamaged;
  JournalFileHeader header;
};

class Reader {
 public:
  Reader(FileSystem& fs, const JournalReadInput& input) : fs_(fs), input_(input) {}

  absl::StatusOr<JournalReading> Run() {
    if (absl::Status found = FindFiles(); !found.ok()) return found;
    if (absl::Status present = CheckPresent(); !present.ok()) return present;
    const size_t first = FirstNeeded();
    for (size_t i = first; i < files_.size(); ++i) {
      if (absl::Status read = ReadFile(i); !read.ok()) return read;
    }
    if (absl::Status complete = CheckComplete(); !complete.ok()) return complete;
    Settle();
    return std::move(result_);
  }

 private:
  absl::Status Lost(absl::string_view what) const {
    return MakeError(ErrorCode::kDataLoss, absl::StrCat("the journal in ", input_.dir, " ", what));
  }

  absl::Status FindFiles() {
    const absl::StatusOr<bool> exists = fs_.Exists(input_.dir);
    if (!exists.ok()) return exists.status();
    if (!*exists) return absl::OkStatus();
    const absl::StatusOr<std::vector<DirEntry>> entries = fs_.List(input_.dir);
    if (!entries.ok()) return entries.status();
    for (const DirEntry& entry : *entries) {
      const std::optional<uint64_t> number = entry.is_directory ? std::nullopt : NumberOf(entry.name);
      if (!number) {
        if (entry.name != "lost+found") {
          result_.notes.push_back(absl::StrCat("left alone an unknown file in the journal: ", entry.name));
        }
        continue;
      }
      if (absl::Status added = AddFile(*number, absl::StrCat(input_.dir, "/", entry.name)); !added.ok()) {
        return added;
      }
    }
    std::sort(files_.begin(), files_.end(),
              [](const JournalFile& a, const JournalFile& b) { return a.number < b.number; });
    return absl::OkStatus();
  }

  absl::Status AddFile(uint64_t number, std::string path) {
    absl::StatusOr<std::unique_ptr<File>> opened = fs_.Open(path, OpenMode::kReadWrite);
    if (!opened.ok()) return opened.status();
    // What is read from now on must be what a power loss would leave (R12).
    if (absl::Status synced = (*opened)->Sync(); !synced.ok()) return synced;
    if (absl::Status dropped = (*opened)->DropCache(); !dropped.ok()) return dropped;
    JournalFile file;
    file.number = number;
    file.path = std::move(path);
    file.file = *std::move(opened);
    std::string block(kJournalBlockBytes, '\0');
    const absl::StatusOr<size_t> got = file.file->ReadAt(0, absl::MakeSpan(block));
    if (!got.ok()) return got.status();
    file.state = DecodeJournalFileHeader(absl::string_view(block).substr(0, *got), file.header);
    if (file.state == JournalFileState::kNewer) {
      return MakeError(ErrorCode::kUnsupportedFormat,
                       absl::StrCat(file.path, " was written by a newer program; use that one"));
    }
    if (file.state == JournalFileState::kValid && file.header.journal_id != input_.journal_id) {
      return MakeError(ErrorCode::kDataLoss,
                       absl::StrCat(file.path, " belongs to another data directory (its journal is ",
                                    file.header.journal_id, ", this one's is ", input_.journal_id,
                                    "); check journal_dir"));
    }
    files_.push_back(std::move(file));
    return absl::OkStatus();
  }

  // An unmounted journal must not look like a clean one (R16).
  absl::Status CheckPresent() const {
    if (!input_.known || input_.epoch == 0) return absl::OkStatus();
    for (const JournalFile& file : files_) {
      if (file.state == JournalFileState::kValid && file.header.epoch >= input_.epoch)
        return absl::OkStatus();
    }
    return Lost(
        "is missing, and the checkpoint says that there is one; is the directory mounted, or has journal_dir "
        "changed? Put the journal back, or restore both directories from a backup");
  }

  // Of files_: the last one that begins at or before the oldest sequence needed.
  size_t FirstNeeded() const {
    if (input_.known && input_.epoch == 0) return files_.size();
    size_t first = files_.size();
    for (size_t i = 0; i < files_.size(); ++i) {
      if (files_[i].state != JournalFileState::kValid) continue;
      if (first == files_.size() ||
          (input_.known && files_[i].header.first_sequence <= input_.oldest_sequence)) {
        first = i;
      }
    }
    return first;
  }

  absl::Status ReadFile(size_t i) {
    const JournalFile& file = files_[i];
    absl::StatusOr<std::string> bytes = ReadAll(*file.file, file.path);
    if (!bytes.ok()) return bytes.status();
    result_.bytes_read += bytes->size();
    size_t at = kJournalBlockBytes;
    if (file.state == JournalFileState::kValid && Continues(file.header)) {
      epoch_ = file.header.epoch;
      next_ = file.header.first_sequence;
      while (at < bytes->size()) {
        const std::optional<ParsedJournalGroup> group =
            ParseJournalGroup(absl::string_view(*bytes).substr(at), epoch_, next_);
        if (!group) break;
        TakeGroup(file, *group, at);
        next_ = group->last_sequence + 1;
        at += group->bytes;
      }
    }
    LookBehind(file, *bytes, at);
    return absl::OkStatus();
  }

  // False where this file does not go on with what was read; what its frames prove is looked at all the same.
  bool Continues(const JournalFileHeader& header) {
    if (epoch_ == 0) {
      // Nothing needed may lie before the first file.
      if (input_.known && header.first_sequence > input_.oldest_sequence)
        return Break(header.first_sequence - 1);
      return true;
    }
    if (header.epoch == epoch_) return header.first_sequence == next_ || Break(header.first_sequence - 1);
    // A later start: it has named what it found of the former epochs.
    if (header.epoch < epoch_ || header.first_sequence != header.accepted_sequence + 1) {
      return Break(header.first_sequence - 1);
    }
    if (header.accepted_sequence >= next_) return Break(header.accepted_sequence);
    DropAbove(header.accepted_sequence);
    return true;
  }

  bool Break(uint64_t proven) {
    proven_ = std::max(proven_, proven);
    return false;
  }

  void TakeGroup(const JournalFile& file, const ParsedJournalGroup& group, size_t at) {
    ++result_.groups;
    for (const ParsedJournalFrame& parsed : group.frames) {
      frames_.push_back({file.file, parsed.frame, at + parsed.payload_position});
    }
  }

  // A frame that lies behind what could be read tells up to where everything was durable once.
  void LookBehind(const JournalFile& file, absl::string_view bytes, size_t at) {
    for (; at + kJournalFrameBytes <= bytes.size(); at += kJournalBlockBytes) {
      const std::optional<JournalFrame> frame = ParseJournalFrame(bytes.substr(at));
      if (!frame || frame->epoch != (epoch_ == 0 ? file.header.epoch : epoch_)) continue;
      proven_ = std::max(proven_, frame->durable_sequence);
    }
  }

  void DropAbove(uint64_t sequence) {
    while (!frames_.empty() && frames_.back().frame.sequence > sequence) frames_.pop_back();
  }

  absl::Status CheckComplete() const {
    if (input_.known && input_.epoch == 0) return absl::OkStatus();
    const bool short_of_checkpoint = input_.known && next_ < input_.oldest_sequence;
    if (proven_ < next_ && !short_of_checkpoint) return absl::OkStatus();
    return Lost(absl::StrCat("is damaged: frames from sequence ", next_, " on were durable up to ",
                             std::max(proven_, short_of_checkpoint ? input_.oldest_sequence - 1 : 0),
                             " and cannot be read; put the files back, or restore from a backup"));
  }

  void Settle() {
    for (const Taken& taken : frames_) {
      const JournalFrame& frame = taken.frame;
      if (input_.known && frame.sequence < input_.oldest_sequence) continue;
      JournaledPartition& partition = result_.partitions[frame.partition_id];
      CheckpointEntry place{.partition_id = frame.partition_id,
                            .log_start = 0,
                            .synced = frame.end_offset,
                            .segment_base = frame.segment_base,
                            .position = frame.position};
      if (frame.type == JournalFrameType::kData) {
        place.position += frame.payload_bytes;
        partition.pieces.push_back({.base_offset = frame.base_offset,
                                    .end_offset = frame.end_offset,
                                    .segment_base = frame.segment_base,
                                    .position = frame.position,
                                    .source = taken.file,
                                    .source_position = taken.payload_position,
                                    .bytes = frame.payload_bytes});
      }
      if (place.synced >= partition.promised.synced) partition.promised = place;
    }
    for (const JournalFile& file : files_) {
      result_.files.push_back(file.path);
      result_.next_file_number = std::max(result_.next_file_number, file.number + 1);
      if (file.state != JournalFileState::kValid) continue;
      result_.last_epoch = std::max(result_.last_epoch, file.header.epoch);
      // Without a file to read, nothing is needed; sequences go on behind what any file begins with.
      next_ = std::max(next_, file.header.first_sequence);
    }
    result_.accepted_sequence = std::max<uint64_t>(next_, 1) - 1;
  }

  static absl::StatusOr<std::string> ReadAll(const File& file, const std::string& path) {
    const absl::StatusOr<uint64_t> size = file.Size();
    if (!size.ok()) return size.status();
    if (*size > kFileBytesMax) {
      return MakeError(ErrorCode::kDataLoss, absl::StrCat(path, " is larger than any journal file"));
    }
    std::string bytes(*size, '\0');
    const absl::StatusOr<size_t> got = file.ReadAt(0, absl::MakeSpan(bytes));
    if (!got.ok()) return got.status();
    bytes.resize(*got);
    return bytes;
  }

  struct Taken {
    std::shared_ptr<const File> file;
    JournalFrame frame;
    uint64_t payload_position = 0;
  };

  FileSystem& fs_;
  const JournalReadInput& input_;
  std::vector<JournalFile> files_;  // by number
  uint64_t epoch_ = 0;              // of the file being read; 0 before the first
  uint64_t next_ = 0;               // sequence that must follow
  uint64_t proven_ = 0;             // all frames up to here were durable once
  std::vector<Taken> frames_;       // by sequence
  JournalReading result_;
};

}  // namespace

std::string JournalFileName(uint64_t number) {
  return absl::StrCat(absl::StrFormat("%0*u", static_cast<int>(kNumberDigits), number), kSuffix);
}

absl::StatusOr<JournalReading> ReadJournal(FileSystem& fs, const JournalReadInput& input) {
  return Reader(fs, input).Run();
}

}  // namespace leat
