#include "tools/cli/log_files.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "protocol/record/record_iterator.h"
#include "storage/meta/format_file.h"
#include "storage/meta/layout.h"
#include "storage/meta/metadata_records.h"

namespace leat {
namespace {

bool Has(const std::vector<DirEntry>& entries, absl::string_view name) {
  return std::any_of(entries.begin(), entries.end(),
                     [name](const DirEntry& entry) { return entry.name == name; });
}

absl::StatusOr<LogPathKind> ClassifyFile(const std::string& path) {
  const std::string name = LastPartOf(path);
  if (name == kFormatFileName) return LogPathKind::kFormat;
  if (name == kCheckpointFileName) return LogPathKind::kCheckpoint;
  switch (ParseLogFileName(name).kind) {
    case LogFileKind::kLog:
      return LogPathKind::kLog;
    case LogFileKind::kIndex:
      return LogPathKind::kIndex;
    case LogFileKind::kTimeIndex:
      return LogPathKind::kTimeIndex;
    default:
      return MakeError(ErrorCode::kInvalidRequest,
                       absl::StrCat(path,
                                    " is no file of Leat's that can be shown: give a data directory, a "
                                    "partition's directory, or a .log, .index, .timeindex, checkpoint or "
                                    "format file"));
  }
}

absl::Status ApplyBatch(const std::string& bytes, MetadataState* state) {
  const absl::StatusOr<BatchView> batch = BatchView::Parse(bytes);
  if (!batch.ok()) return batch.status();
  absl::StatusOr<RecordIterator> records = RecordIterator::Create(*batch);
  if (!records.ok()) return records.status();
  while (true) {
    absl::StatusOr<std::optional<RecordView>> record = records->Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) return absl::OkStatus();
    const absl::StatusOr<MetadataRecord> decoded = DecodeMetadataRecord((*record)->value.value_or(""));
    if (!decoded.ok()) return decoded.status();
    absl::Status status = state->Apply(*decoded);
    if (!status.ok()) return status;
  }
}

std::string SettingsText(const SettingList& settings) {
  std::string text;
  for (const auto& [name, value] : settings) absl::StrAppend(&text, ", ", name, "=", value);
  return text;
}

std::string RangeText(const IdRange& ids) {
  if (ids.count == 0) return "";
  return absl::StrCat(", partition ids ", ids.first, " to ", ids.first + ids.count - 1);
}

struct MetadataText {
  std::string operator()(const TopicCreated& record) const {
    return absl::StrCat("topic created: id ", record.topic_id, ", name ", record.name,
                        RangeText(record.partitions), SettingsText(record.overrides));
  }
  std::string operator()(const TopicAltered& record) const {
    return absl::StrCat("topic altered: id ", record.topic_id, RangeText(record.added),
                        SettingsText(record.overrides));
  }
  std::string operator()(const TopicDeleted& record) const {
    return absl::StrCat("topic deleted: id ", record.topic_id);
  }
  std::string operator()(const LeaderEpochRaised& record) const {
    return absl::StrCat("leader epoch raised: ", record.epoch);
  }
  std::string operator()(const LogStartMoved& record) const {
    return absl::StrCat("log start moved: partition id ", record.partition_id, ", offset ", record.offset);
  }
};

}  // namespace

std::string ParentOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  const size_t slash = end == std::string::npos ? std::string::npos : path.rfind('/', end);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string LastPartOf(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path;
  const size_t slash = path.rfind('/', end);
  const size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, end + 1 - begin);
}

absl::StatusOr<LogPathKind> ClassifyPath(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(path);
  if (!entries.ok()) {
    const absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kRead);
    if (absl::IsNotFound(file.status()))
      return absl::NotFoundError(absl::StrCat("there is no file or directory '", path, "'"));
    if (!file.ok()) return file.status();
    return ClassifyFile(path);
  }
  if (Has(*entries, kFormatFileName) || (Has(*entries, kMetaDirName) && Has(*entries, kTopicsDirName))) {
    return LogPathKind::kDataDirectory;
  }
  const bool segments = std::any_of(entries->begin(), entries->end(), [](const DirEntry& entry) {
    return ParseLogFileName(entry.name).kind == LogFileKind::kLog;
  });
  if (segments) return LogPathKind::kPartition;
  return MakeError(ErrorCode::kInvalidRequest,
                   absl::StrCat(path,
                                " is neither a data directory (it has no file 'format') nor a partition's "
                                "directory (it has no .log file)"));
}

absl::StatusOr<PartitionFiles> ListPartition(FileSystem& fs, const std::string& dir) {
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(dir);
  if (!entries.ok()) return entries.status();
  std::map<Offset, SegmentFiles> segments;
  PartitionFiles files;
  files.dir = dir;
  for (const DirEntry& entry : *entries) {
    const LogFileName name = ParseLogFileName(entry.name);
    const bool log = name.kind == LogFileKind::kLog;
    const bool index = name.kind == LogFileKind::kIndex;
    const bool time_index = name.kind == LogFileKind::kTimeIndex;
    if (entry.is_directory || !(log || index || time_index)) {
      files.others.push_back(entry.name);
      continue;
    }
    SegmentFiles& segment = segments[name.base];
    segment.base = name.base;
    segment.log |= log;
    segment.index |= index;
    segment.time_index |= time_index;
  }
  for (const auto& [base, segment] : segments) files.segments.push_back(segment);
  return files;
}

absl::StatusOr<std::vector<std::string>> ListDirectories(FileSystem& fs, const std::string& dir) {
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(dir);
  if (!entries.ok()) return entries.status();
  std::vector<std::string> names;
  for (const DirEntry& entry : *entries) {
    if (entry.is_directory) names.push_back(entry.name);
  }
  return names;
}

absl::StatusOr<std::string> DataDirectoryOf(FileSystem& fs, const std::string& partition_dir) {
  const std::string root = ParentOf(ParentOf(partition_dir));
  const absl::StatusOr<bool> exists = fs.Exists(absl::StrCat(root, "/", kFormatFileName));
  if (!exists.ok()) return exists.status();
  return *exists ? root : "";
}

absl::StatusOr<std::string> ReadBatch(const File& file, const ScannedBatch& batch) {
  // The scanner has seen that so many bytes are there.
  std::string bytes(batch.header.total_bytes(), '\0');
  const absl::StatusOr<size_t> read = file.ReadAt(batch.position, absl::MakeSpan(bytes.data(), bytes.size()));
  if (!read.ok()) return read.status();
  bytes.resize(*read);
  return bytes;
}

absl::StatusOr<MetadataReading> ReadMetadata(FileSystem& fs, const std::string& dir) {
  const absl::StatusOr<PartitionFiles> files = ListPartition(fs, dir);
  if (!files.ok()) return files.status();
  MetadataReading reading;
  for (const SegmentFiles& segment : files->segments) {
    if (!segment.log) continue;
    const absl::StatusOr<std::unique_ptr<File>> file =
        fs.Open(SegmentPath(dir, segment.base, kLogSuffix), OpenMode::kRead);
    if (!file.ok()) return file.status();
    const absl::StatusOr<uint64_t> size = (*file)->Size();
    if (!size.ok()) return size.status();
    ScanOptions options;
    options.to = *size;
    options.expected = segment.base;
    SegmentScanner scanner(**file, options);
    while (true) {
      const absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
      if (!batch.ok()) return batch.status();
      if (!batch->has_value()) break;
      const absl::StatusOr<std::string> bytes = ReadBatch(**file, **batch);
      if (!bytes.ok()) return bytes.status();
      const absl::Status status = ApplyBatch(*bytes, &reading.state);
      if (status.ok()) continue;
      reading.problem = absl::StrCat("offset ", (*batch)->header.base_offset, ": ", status.message());
      return reading;
    }
    if (scanner.damage().has_value()) {
      reading.problem = absl::StrCat("offset ", scanner.damage()->expected, ": ", scanner.damage()->reason);
      return reading;
    }
  }
  return reading;
}

std::string DescribeMetadata(absl::string_view value) {
  const absl::StatusOr<MetadataRecord> record = DecodeMetadataRecord(value);
  if (!record.ok()) return absl::StrCat("not readable: ", record.status().message());
  return std::visit(MetadataText(), *record);
}

}  // namespace leat
