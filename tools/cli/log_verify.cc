#include "tools/cli/log_verify.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/meta/format_file.h"
#include "storage/meta/layout.h"
#include "storage/meta/metadata_log.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/json.h"

namespace leat {
namespace {

PartitionPromise PromiseOf(const CheckpointReading& reading, uint64_t partition_id) {
  PartitionPromise promise;
  if (reading.state != CheckpointReading::State::kValid) return promise;
  promise.clean = reading.checkpoint.clean;
  const std::vector<CheckpointEntry>& entries = reading.checkpoint.entries;
  const auto entry = std::lower_bound(
      entries.begin(), entries.end(), partition_id,
      [](const CheckpointEntry& candidate, uint64_t id) { return candidate.partition_id < id; });
  if (entry != entries.end() && entry->partition_id == partition_id) promise.checkpoint = *entry;
  const std::vector<uint64_t>& unproven = reading.checkpoint.unproven;
  if (!promise.checkpoint.has_value() &&
      !std::binary_search(unproven.begin(), unproven.end(), partition_id)) {
    // Made after this checkpoint: nothing of it was promised yet.
    promise.checkpoint = CheckpointEntry{};
    promise.checkpoint->partition_id = partition_id;
    promise.clean = false;
  }
  return promise;
}

}  // namespace

absl::StatusOr<LogVerdict> LogVerifier::Verify(const std::string& path) {
  const absl::StatusOr<LogPathKind> kind = ClassifyPath(fs_, path);
  if (!kind.ok()) return kind.status();
  absl::Status status;
  if (*kind == LogPathKind::kDataDirectory) {
    status = VerifyDataDirectory(path);
  } else if (*kind == LogPathKind::kPartition) {
    status = VerifyOnePartition(path);
  } else {
    status = UsageError(absl::StrCat(path, " is a file; give a data directory or a partition's directory"));
  }
  if (!status.ok()) return status;
  return verdict_;
}

absl::Status LogVerifier::VerifyDataDirectory(const std::string& root) {
  const StorePaths paths(root);
  const absl::StatusOr<FormatInfo> format = ReadFormat(fs_, root);
  if (!format.ok()) {
    verdict_.Error("format", absl::StrCat(root, "/", kFormatFileName), -1,
                   ToStdString(format.status().message()));
  }
  const CheckpointReading reading = VerifyCheckpointFile(root, format.ok() ? format->data_id : "");
  absl::Status status = VerifyPartition(paths.metadata_log, PromiseOf(reading, MetadataLog::kPartitionId), 0);
  if (!status.ok()) return status;
  const absl::StatusOr<MetadataReading> metadata = ReadMetadata(fs_, paths.metadata_log);
  if (!metadata.ok()) return metadata.status();
  if (!metadata->problem.empty()) {
    verdict_.Error("metadata", paths.metadata_log, -1,
                   absl::StrCat("not readable from here on: ", metadata->problem));
  }
  return VerifyTopics(root, metadata->state, reading);
}

CheckpointReading LogVerifier::VerifyCheckpointFile(const std::string& root, const std::string& data_id) {
  const StorePaths paths(root);
  const std::string path = absl::StrCat(paths.meta, "/", kCheckpointFileName);
  absl::StatusOr<CheckpointReading> reading = ReadCheckpoint(fs_, paths.meta, data_id);
  if (!reading.ok()) {
    verdict_.Error("checkpoint", path, -1, ToStdString(reading.status().message()));
    return {};
  }
  if (reading->state == CheckpointReading::State::kAbsent) verdict_.Error("checkpoint", path, -1, "missing");
  if (reading->state == CheckpointReading::State::kUnreadable) {
    verdict_.Error("checkpoint", path, -1, reading->problem);
  }
  return *std::move(reading);
}

absl::Status LogVerifier::VerifyTopics(const std::string& root, const MetadataState& metadata,
                                       const CheckpointReading& reading) {
  const StorePaths paths(root);
  const absl::StatusOr<std::vector<std::string>> found = ListDirectories(fs_, paths.topics);
  if (!found.ok()) return found.status();
  std::map<std::string, uint64_t> expected;  // directory, partition id
  for (const auto& [name, topic] : metadata.topics()) {
    for (size_t i = 0; i < topic.partition_ids.size(); ++i) {
      expected.emplace(PartitionDirName(name, static_cast<uint32_t>(i)), topic.partition_ids[i]);
    }
  }
  for (const auto& [name, id] : expected) {
    const std::string dir = absl::StrCat(paths.topics, "/", name);
    const PartitionPromise promise = PromiseOf(reading, id);
    if (!std::binary_search(found->begin(), found->end(), name)) {
      const bool had_records = promise.checkpoint.has_value() && promise.checkpoint->synced > 0;
      verdict_.Error(
          "missing", dir, -1,
          absl::StrCat("the partition has no directory",
                       had_records ? absl::StrCat("; it held offsets below ", promise.checkpoint->synced)
                                   : std::string()));
      continue;
    }
    absl::Status status = VerifyPartition(dir, promise, metadata.LogStart(id));
    if (!status.ok()) return status;
  }
  for (const std::string& name : *found) {
    if (expected.count(name) != 0) continue;
    verdict_.Warn("unknown", absl::StrCat(paths.topics, "/", name), -1, "belongs to no topic");
  }
  return absl::OkStatus();
}

absl::Status LogVerifier::VerifyOnePartition(const std::string& dir) {
  const absl::StatusOr<std::string> root = DataDirectoryOf(fs_, dir);
  if (!root.ok()) return root.status();
  if (root->empty()) return VerifyPartition(dir, PartitionPromise(), 0);
  // Checkpoint and metadata of the directory it belongs to tell what it must hold; problems of theirs are not
  // looked for here.
  const StorePaths paths(*root);
  const absl::StatusOr<FormatInfo> format = ReadFormat(fs_, *root);
  const absl::StatusOr<MetadataReading> metadata = ReadMetadata(fs_, paths.metadata_log);
  if (!format.ok() || !metadata.ok()) return VerifyPartition(dir, PartitionPromise(), 0);
  const absl::StatusOr<CheckpointReading> reading = ReadCheckpoint(fs_, paths.meta, format->data_id);
  if (reading.ok() && LastPartOf(dir) == kMetadataLogDirName) {
    return VerifyPartition(dir, PromiseOf(*reading, MetadataLog::kPartitionId), 0);
  }
  for (const auto& [name, topic] : metadata->state.topics()) {
    for (size_t i = 0; i < topic.partition_ids.size(); ++i) {
      if (PartitionDirName(name, static_cast<uint32_t>(i)) != LastPartOf(dir) || !reading.ok()) continue;
      return VerifyPartition(dir, PromiseOf(*reading, topic.partition_ids[i]),
                             metadata->state.LogStart(topic.partition_ids[i]));
    }
  }
  return VerifyPartition(dir, PartitionPromise(), 0);
}

absl::Status LogVerifier::VerifyPartition(const std::string& dir, const PartitionPromise& promise,
                                          Offset log_start) {
  on_partition_(dir);
  ++verdict_.partitions;
  const absl::StatusOr<PartitionFiles> files = ListPartition(fs_, dir);
  if (!files.ok()) return files.status();
  std::optional<Offset> expected;
  for (size_t i = 0; i < files->segments.size(); ++i) {
    const SegmentFiles& segment = files->segments[i];
    const std::string path = SegmentPath(dir, segment.base, kLogSuffix);
    if (!expected.has_value() && segment.base > log_start) {
      verdict_.Error("gap", path, -1,
                     absl::StrCat("offsets ", log_start, " to ", segment.base - 1, " are missing"));
    }
    if (expected.has_value() && segment.base != *expected) {
      verdict_.Error(
          "gap", path, -1,
          segment.base > *expected
              ? absl::StrCat("offsets ", *expected, " to ", segment.base - 1, " are missing before it")
              : absl::StrCat("begins at offset ", segment.base, ", which the segment before holds too"));
    }
    const absl::StatusOr<SegmentEnd> end =
        VerifySegment(fs_, dir, segment, promise, i + 1 == files->segments.size(), &verdict_);
    if (!end.ok()) return end.status();
    expected = end->next_offset;
  }
  const bool promised = promise.checkpoint.has_value() && promise.checkpoint->synced > 0;
  const bool there =
      std::any_of(files->segments.begin(), files->segments.end(), [&promise](const SegmentFiles& segment) {
        return promise.checkpoint.has_value() && segment.base == promise.checkpoint->segment_base &&
               segment.log;
      });
  if (promised && !there) {
    verdict_.Error("missing", SegmentPath(dir, promise.checkpoint->segment_base, kLogSuffix), -1,
                   absl::StrCat("the segment that the checkpoint names is missing; offsets below ",
                                promise.checkpoint->synced, " were promised"));
  }
  for (const std::string& name : files->others) {
    const LogFileKind kind = ParseLogFileName(name).kind;
    if (kind == LogFileKind::kTorn) {
      verdict_.Warn("kept", absl::StrCat(dir, "/", name), -1, "bytes that a recovery cut and kept");
    } else if (kind == LogFileKind::kUnknown) {
      verdict_.Warn("unknown", absl::StrCat(dir, "/", name), -1, "is none of Leat's files");
    }
  }
  return absl::OkStatus();
}

}  // namespace leat
