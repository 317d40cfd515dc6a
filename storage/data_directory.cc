#include "storage/data_directory.h"

#include <random>
#include <utility>

#include "storage/meta/checkpoint.h"

namespace leat {
namespace {

// `dir` as if it had just been made.
absl::Status MakeEmptyDir(FileSystem& fs, const std::string& dir) {
  const absl::StatusOr<bool> exists = fs.Exists(dir);
  if (!exists.ok()) return exists.status();
  if (*exists) {
    if (absl::Status removed = RemoveTree(fs, dir); !removed.ok()) return removed;
  }
  return fs.CreateDir(dir);
}

FormatInfo NewFormat(Clock& clock, uint64_t seed) {
  if (seed == 0) {
    std::random_device entropy;
    seed = (uint64_t{entropy()} << 32) | entropy();
  }
  std::mt19937_64 random(seed);
  FormatInfo info;
  const auto uuid = [&random] {
    const uint64_t high = random();
    return MakeUuid(high, random());
  };
  info.data_id = uuid();
  info.journal_id = uuid();
  info.created_ms = clock.WallMs();
  return info;
}

}  // namespace

absl::StatusOr<DataDirectory> LockDataDirectory(FileSystem& fs, const StorePaths& paths) {
  DataDirectory directory;
  // The first look comes before the lock, because the lock's file would be a change.
  for (const bool locked : {false, true}) {
    const absl::StatusOr<DirectoryState> state = InspectDirectory(fs, paths.root);
    if (!state.ok()) return state.status();
    directory.set_up = *state == DirectoryState::kFormatted;
    if (directory.set_up) {
      absl::StatusOr<FormatInfo> format = ReadFormat(fs, paths.root);
      if (!format.ok()) return format.status();
      directory.format = *std::move(format);
    }
    if (locked) break;
    // Also when it is there: a former start may have ended between making it and making its name durable.
    if (*state != DirectoryState::kFormatted) {
      if (absl::Status made = CreateDirs(fs, paths.root); !made.ok()) return made;
    }
    absl::StatusOr<std::unique_ptr<FileLock>> lock = fs.Lock(paths.lock);
    if (!lock.ok()) return lock.status();
    directory.lock = *std::move(lock);
  }
  return directory;
}

absl::StatusOr<FormatInfo> SetUpDataDirectory(const StorePaths& paths, const MetadataLog::Environment& env,
                                              uint64_t seed) {
  FileSystem& fs = env.fs;
  for (const std::string& dir : {paths.meta, paths.topics, paths.deleted}) {
    if (absl::Status made = MakeEmptyDir(fs, dir); !made.ok()) return made;
  }
  absl::StatusOr<std::unique_ptr<MetadataLog>> log = MetadataLog::Create(paths.metadata_log, env);
  if (!log.ok()) return log.status();
  // With its index files, of which a clean stop leaves none out.
  if (absl::Status closed = (*log)->Close(); !closed.ok()) return closed;
  const FormatInfo format = NewFormat(env.clock, seed);
  Checkpoint checkpoint;
  checkpoint.data_id = format.data_id;
  checkpoint.sequence = 1;
  checkpoint.entries.push_back(CheckpointEntry{.partition_id = MetadataLog::kPartitionId});
  // This makes the name of the metadata log durable as well.
  if (absl::Status written = WriteCheckpoint(fs, paths.meta, checkpoint); !written.ok()) return written;
  if (absl::Status synced = fs.SyncDir(paths.root); !synced.ok()) return synced;
  if (absl::Status written = WriteFormat(fs, paths.root, format); !written.ok()) return written;
  return format;
}

}  // namespace leat
