#include "storage/sweep.h"

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log_store.h"
#include "storage/partition_dirs.h"

namespace leat {
namespace {

struct PartitionName {
  std::string topic;
  uint32_t partition = 0;
};

// "<topic>-<partition>"; the last dash splits.
std::optional<PartitionName> ParsePartitionDirName(absl::string_view name) {
  const size_t dash = name.rfind('-');
  PartitionName parsed;
  if (dash == absl::string_view::npos || dash == 0) return std::nullopt;
  if (!absl::SimpleAtoi(name.substr(dash + 1), &parsed.partition)) return std::nullopt;
  parsed.topic = std::string(name.substr(0, dash));
  if (PartitionDirName(parsed.topic, parsed.partition) != name) return std::nullopt;
  if (!CheckTopicName(parsed.topic).ok()) return std::nullopt;
  return parsed;
}

class Sweeper {
 public:
  Sweeper(FileSystem& fs, const StorePaths& paths, const MetadataState& state,
          std::vector<std::string>& notes)
      : fs_(fs), paths_(paths), state_(state), notes_(notes) {}

  absl::Status Run() {
    const absl::StatusOr<std::vector<DirEntry>> entries = fs_.List(paths_.topics);
    if (!entries.ok()) return entries.status();
    for (const DirEntry& entry : *entries) {
      if (absl::Status swept = SweepOne(entry); !swept.ok()) return swept;
    }
    NoteMissing(*entries);
    if (!changed_) return absl::OkStatus();
    if (absl::Status synced = fs_.SyncDir(paths_.deleted); !synced.ok()) return synced;
    return fs_.SyncDir(paths_.topics);
  }

 private:
  absl::Status SweepOne(const DirEntry& entry) {
    const std::optional<PartitionName> name = ParsePartitionDirName(entry.name);
    if (!entry.is_directory || !name.has_value()) {
      notes_.push_back(absl::StrCat("topics/", entry.name, ": not ours, left alone"));
      return absl::OkStatus();
    }
    if (IsLive(*name)) return absl::OkStatus();
    changed_ = true;
    const std::string path = absl::StrCat(paths_.topics, "/", entry.name);
    const absl::StatusOr<bool> records = HoldsRecords(fs_, path);
    if (CodeOf(records.status()) == ErrorCode::kLimitExceeded) return records.status();
    // What cannot be read may be anything.
    if (records.ok() && !*records) {
      notes_.push_back(absl::StrCat("topics/", entry.name, ": left by an interrupted creation, removed"));
      return RemoveTree(fs_, path);
    }
    const absl::StatusOr<bool> completed = CompleteDeletion(*name, path);
    if (!completed.ok()) return completed.status();
    if (*completed) return absl::OkStatus();
    return KeepAside(entry.name, path);
  }

  // Recovery decides what that means; no crash takes a directory away.
  void NoteMissing(const std::vector<DirEntry>& entries) {
    absl::flat_hash_set<absl::string_view> found;
    for (const DirEntry& entry : entries) found.insert(entry.name);
    for (const auto& [name, topic] : state_.topics()) {
      for (uint32_t partition = 0; partition < topic.partition_ids.size(); ++partition) {
        const std::string dir = PartitionDirName(name, partition);
        if (!found.contains(dir))
          notes_.push_back(absl::StrCat("topics/", dir, ": the directory is missing"));
      }
    }
  }

  bool IsLive(const PartitionName& name) const {
    const TopicMetadata* topic = state_.Find(name.topic);
    return topic != nullptr && name.partition < topic->partition_ids.size();
  }

  // The names of a deleted topic are free only when all its directories have been renamed. So a directory of
  // that name, while no such topic lives, is what is left of it.
  absl::StatusOr<bool> CompleteDeletion(const PartitionName& name, const std::string& path) {
    const std::vector<uint64_t> ids = state_.LastDeleted(name.topic);
    if (state_.Find(name.topic) != nullptr || name.partition >= ids.size()) return false;
    const std::string target = paths_.Deleted(ids[name.partition]);
    const absl::StatusOr<bool> taken = fs_.Exists(target);
    if (!taken.ok()) return taken.status();
    if (*taken) return false;
    if (absl::Status renamed = fs_.Rename(path, target); !renamed.ok()) return renamed;
    return true;
  }

  absl::Status KeepAside(const std::string& name, const std::string& path) {
    if (absl::Status made = CreateDirs(fs_, paths_.kept); !made.ok()) return made;
    for (int number = 1;; ++number) {
      const std::string target = absl::StrCat(paths_.kept, "/", name, ".", number);
      const absl::StatusOr<bool> taken = fs_.Exists(target);
      if (!taken.ok()) return taken.status();
      if (*taken) continue;
      if (absl::Status renamed = fs_.Rename(path, target); !renamed.ok()) return renamed;
      notes_.push_back(
          absl::StrCat("topics/", name,
                       ": holds records, but the metadata log knows no such partition; moved to ", target));
      return fs_.SyncDir(paths_.kept);
    }
  }

  FileSystem& fs_;
  const StorePaths& paths_;
  const MetadataState& state_;
  std::vector<std::string>& notes_;
  bool changed_ = false;
};

bool IsNumber(const std::string& name) {
  uint64_t number = 0;
  return absl::SimpleAtoi(name, &number) && absl::StrCat(number) == name;
}

}  // namespace

absl::Status SweepTopicDirectories(FileSystem& fs, const StorePaths& paths, const MetadataState& state,
                                   std::vector<std::string>& notes) {
  return Sweeper(fs, paths, state, notes).Run();
}

absl::StatusOr<std::vector<std::string>> ListDeleted(FileSystem& fs, const StorePaths& paths,
                                                     std::vector<std::string>& notes) {
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(paths.deleted);
  if (!entries.ok()) return entries.status();
  std::vector<std::string> removable;
  for (const DirEntry& entry : *entries) {
    if (entry.is_directory && IsNumber(entry.name)) {
      removable.push_back(absl::StrCat(paths.deleted, "/", entry.name));
    } else {
      notes.push_back(absl::StrCat("deleted/", entry.name, ": not ours, left alone"));
    }
  }
  return removable;
}

}  // namespace leat
