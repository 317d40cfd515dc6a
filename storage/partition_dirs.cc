#include "storage/partition_dirs.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/file_names.h"

namespace leat {
namespace {

absl::StatusOr<std::shared_ptr<SegmentedLog>> CreateOne(const StorePaths& paths, const PartitionPlan& plan,
                                                        uint32_t index, const LogEnvironment& env) {
  SegmentedLogOptions options;
  options.partition = plan.first_partition + index;
  options.dir = paths.Partition(plan.topic, options.partition);
  options.id = plan.ids.first + index;
  options.topic = plan.topic;
  options.leader_epoch = plan.leader_epoch;
  options.config = plan.config;
  return SegmentedLog::Create(std::move(options), env);
}

// Whatever lies where a partition shall come is not ours to reuse or to remove.
absl::Status CheckFree(FileSystem& fs, const StorePaths& paths, const PartitionPlan& plan) {
  for (uint32_t i = 0; i < plan.ids.count; ++i) {
    const std::string dir = paths.Partition(plan.topic, plan.first_partition + i);
    const absl::StatusOr<bool> exists = fs.Exists(dir);
    if (!exists.ok()) return exists.status();
    if (*exists) {
      return MakeError(ErrorCode::kStorageError,
                       absl::StrCat(dir, " is in the way; restart to have it swept"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LogList> CreatePartitions(const StorePaths& paths, const PartitionPlan& plan,
                                         const LogEnvironment& env) {
  if (absl::Status vacant = CheckFree(env.fs, paths, plan); !vacant.ok()) return vacant;
  LogList logs;
  for (uint32_t i = 0; i < plan.ids.count; ++i) {
    absl::StatusOr<std::shared_ptr<SegmentedLog>> log = CreateOne(paths, plan, i, env);
    if (!log.ok()) {
      logs.clear();
      DiscardPartitions(env.fs, paths, plan);
      return log.status();
    }
    logs.push_back(*std::move(log));
  }
  return logs;
}

absl::Status SyncPartitions(FileSystem& fs, const StorePaths& paths, const LogList& logs) {
  std::vector<std::string> dirs = {paths.topics};
  for (const auto& log : logs) dirs.push_back(log->dir());
  return fs.SyncDirs(dirs);
}

void DiscardPartitions(FileSystem& fs, const StorePaths& paths, const PartitionPlan& plan) {
  for (uint32_t i = 0; i < plan.ids.count; ++i) {
    // By name, because a list takes a descriptor. What cannot be removed now is swept at the next start.
    const std::string dir = paths.Partition(plan.topic, plan.first_partition + i);
    fs.Remove(SegmentPath(dir, 0, kLogSuffix)).IgnoreError();
    fs.Remove(dir).IgnoreError();
  }
}

absl::StatusOr<RetirementDirs> OpenRetirementDirs(FileSystem& fs, const StorePaths& paths) {
  absl::StatusOr<std::unique_ptr<Directory>> topics = fs.OpenDir(paths.topics);
  if (!topics.ok()) return topics.status();
  absl::StatusOr<std::unique_ptr<Directory>> deleted = fs.OpenDir(paths.deleted);
  if (!deleted.ok()) return deleted.status();
  return RetirementDirs{*std::move(topics), *std::move(deleted)};
}

absl::Status RetirePartitions(FileSystem& fs, const StorePaths& paths, const RetirementDirs& dirs,
                              const LogList& logs) {
  for (const auto& log : logs) {
    const absl::Status renamed = fs.Rename(log->dir(), paths.Deleted(log->id()));
    // A partition whose directory was lost is fenced; deleting its topic is how one gets rid of it.
    if (!renamed.ok() && !absl::IsNotFound(renamed)) return renamed;
  }
  if (absl::Status synced = dirs.deleted->Sync(); !synced.ok()) return synced;
  return dirs.topics->Sync();
}

absl::StatusOr<bool> HoldsRecords(FileSystem& fs, const std::string& dir) {
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(dir);
  if (!entries.ok()) return entries.status();
  for (const DirEntry& entry : *entries) {
    // Anything that we would not make in an empty partition counts as if it held records.
    if (entry.is_directory) return true;
    if (absl::EndsWith(entry.name, ".index") || absl::EndsWith(entry.name, ".timeindex")) continue;
    const absl::StatusOr<std::unique_ptr<File>> file =
        fs.Open(absl::StrCat(dir, "/", entry.name), OpenMode::kRead);
    if (!file.ok()) return file.status();
    const absl::StatusOr<uint64_t> size = (*file)->Size();
    if (!size.ok()) return size.status();
    if (*size > 0) return true;
  }
  return false;
}

}  // namespace leat
