#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/env/file_system.h"
#include "storage/log/file_names.h"
#include "storage/log/segment_scanner.h"
#include "storage/meta/metadata_state.h"

// Finding one's way in the files of a stopped daemon, for `leat log`.

namespace leat {

enum class LogPathKind { kDataDirectory, kPartition, kLog, kIndex, kTimeIndex, kCheckpoint, kFormat };

// What lies at `path`. NotFound when there is nothing; kInvalidRequest when it is nothing of ours.
absl::StatusOr<LogPathKind> ClassifyPath(FileSystem& fs, const std::string& path);

// The files of one segment.
struct SegmentFiles {
  Offset base = 0;
  bool log = false;
  bool index = false;
  bool time_index = false;
};

struct PartitionFiles {
  std::string dir;
  std::vector<SegmentFiles> segments;  // by base
  std::vector<std::string> others;     // names that belong to no segment
};
absl::StatusOr<PartitionFiles> ListPartition(FileSystem& fs, const std::string& dir);

// Names of the directories in `dir`, sorted.
absl::StatusOr<std::vector<std::string>> ListDirectories(FileSystem& fs, const std::string& dir);

// The directory a path lies in, and its last part. A trailing '/' does not count.
std::string ParentOf(const std::string& path);
std::string LastPartOf(const std::string& path);

// The data directory that a partition's directory belongs to; empty when it stands alone.
absl::StatusOr<std::string> DataDirectoryOf(FileSystem& fs, const std::string& partition_dir);

// All bytes of a batch that a scanner found.
absl::StatusOr<std::string> ReadBatch(const File& file, const ScannedBatch& batch);

// What the metadata log in `dir` adds up to, as far as it can be read; `problem` says where reading ended.
struct MetadataReading {
  MetadataState state;
  std::string problem;
};
absl::StatusOr<MetadataReading> ReadMetadata(FileSystem& fs, const std::string& dir);

// A record of the metadata log for people: "topic created: id 3, name orders, ...".
std::string DescribeMetadata(absl::string_view value);

}  // namespace leat
