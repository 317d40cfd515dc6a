#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// Names below a data directory; storage/FORMAT.md says what each holds.

namespace leat {

inline constexpr absl::string_view kLockFileName = "LOCK";
inline constexpr absl::string_view kMetaDirName = "meta";
inline constexpr absl::string_view kTopicsDirName = "topics";
inline constexpr absl::string_view kDeletedDirName = "deleted";
inline constexpr absl::string_view kKeptDirName = "kept";
inline constexpr absl::string_view kJournalDirName = "journal";
inline constexpr absl::string_view kCheckpointFileName = "checkpoint";
inline constexpr absl::string_view kMetadataTopic = "__metadata";
inline constexpr absl::string_view kMetadataLogDirName = "__metadata-0";

// "<topic>-<partition>"
inline std::string PartitionDirName(absl::string_view topic, uint32_t partition) {
  return absl::StrCat(topic, "-", partition);
}

// The paths that the store works with.
struct StorePaths {
  explicit StorePaths(std::string data_dir)
      : root(std::move(data_dir)),
        lock(absl::StrCat(root, "/", kLockFileName)),
        meta(absl::StrCat(root, "/", kMetaDirName)),
        metadata_log(absl::StrCat(meta, "/", kMetadataLogDirName)),
        topics(absl::StrCat(root, "/", kTopicsDirName)),
        deleted(absl::StrCat(root, "/", kDeletedDirName)),
        kept(absl::StrCat(root, "/", kKeptDirName)),
        journal(absl::StrCat(root, "/", kJournalDirName)) {}

  std::string Partition(absl::string_view topic, uint32_t partition) const {
    return absl::StrCat(topics, "/", PartitionDirName(topic, partition));
  }
  std::string Deleted(uint64_t partition_id) const { return absl::StrCat(deleted, "/", partition_id); }

  const std::string root;
  const std::string lock;
  const std::string meta;
  const std::string metadata_log;
  const std::string topics;
  const std::string deleted;
  const std::string kept;
  const std::string journal;  // unless it lies on another disk
};

}  // namespace leat
