#include "tools/cli/log_dump.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/record_iterator.h"
#include "storage/log/index_file.h"
#include "storage/meta/checkpoint.h"
#include "storage/meta/layout.h"
#include "tools/cli/record_sink.h"

namespace leat {
namespace {

constexpr uint64_t kSmallFileMax = 1ULL << 30;

}  // namespace

bool ParsePartitionDirName(const std::string& name, std::string* topic, int32_t* partition) {
  const size_t dash = name.rfind('-');
  if (dash == std::string::npos || dash == 0 || !absl::SimpleAtoi(name.substr(dash + 1), partition)) {
    return false;
  }
  *topic = name.substr(0, dash);
  return *partition >= 0;
}

void LogDump::Problem(const std::string& text, int64_t position) {
  ++problems_;
  printer_->Problem(text, position);
}

absl::Status LogDump::Dump(const std::string& path) {
  const absl::StatusOr<LogPathKind> kind = ClassifyPath(fs_, path);
  if (!kind.ok()) return kind.status();
  switch (*kind) {
    case LogPathKind::kDataDirectory:
      return DumpDataDirectory(path);
    case LogPathKind::kPartition:
      return DumpPartition(path);
    case LogPathKind::kLog:
      return DumpLog(path);
    case LogPathKind::kIndex:
      return DumpIndex<OffsetEntry>(path, &LogPrinter::IndexEntry);
    case LogPathKind::kTimeIndex:
      return DumpIndex<TimeEntry>(path, &LogPrinter::TimeIndexEntry);
    case LogPathKind::kCheckpoint:
      return DumpCheckpoint(path);
    case LogPathKind::kFormat:
      return DumpFormat(path);
  }
  return absl::OkStatus();
}

absl::Status LogDump::DumpDataDirectory(const std::string& root) {
  const StorePaths paths(root);
  absl::Status status = DumpFormat(absl::StrCat(root, "/", kFormatFileName));
  if (status.ok()) status = DumpCheckpoint(absl::StrCat(paths.meta, "/", kCheckpointFileName));
  if (status.ok()) status = DumpPartition(paths.metadata_log);
  if (!status.ok()) return status;
  const absl::StatusOr<std::vector<std::string>> names = ListDirectories(fs_, paths.topics);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    status = DumpPartition(absl::StrCat(paths.topics, "/", name));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status LogDump::DumpPartition(const std::string& dir) {
  const absl::StatusOr<PartitionFiles> files = ListPartition(fs_, dir);
  if (!files.ok()) return files.status();
  for (const SegmentFiles& segment : files->segments) {
    if (!segment.log) continue;
    absl::Status status = DumpLog(SegmentPath(dir, segment.base, kLogSuffix));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status LogDump::DumpLog(const std::string& path) {
  const absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, OpenMode::kRead);
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (!ParsePartitionDirName(LastPartOf(ParentOf(path)), &topic_, &partition_)) {
    topic_.clear();
    partition_ = 0;
  }
  printer_->File(path, *size);
  return DumpBatches(**file, ParseLogFileName(LastPartOf(path)).base, *size);
}

absl::Status LogDump::DumpBatches(const File& file, Offset base, uint64_t size) {
  ScanOptions options;
  options.to = size;
  options.expected = base;
  while (true) {
    SegmentScanner scanner(file, options);
    while (true) {
      const absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
      if (!batch.ok()) return batch.status();
      if (!batch->has_value()) break;
      printer_->Batch(**batch);
      const absl::Status status = records_ ? DumpRecords(file, **batch) : absl::OkStatus();
      if (!status.ok()) Problem(ToStdString(status.message()), static_cast<int64_t>((*batch)->position));
    }
    if (!scanner.damage().has_value()) return absl::OkStatus();
    const absl::StatusOr<std::optional<ScannedBatch>> next = scanner.FindBatchAfterDamage();
    if (!next.ok()) return next.status();
    const uint64_t end = next->has_value() ? (*next)->position : size;
    Problem(absl::StrCat(scanner.damage()->reason, "; ", end - scanner.damage()->position,
                         " bytes are unreadable, ",
                         next->has_value() ? absl::StrCat("offset ", (*next)->header.base_offset, " follows")
                                           : std::string("nothing follows")),
            static_cast<int64_t>(scanner.damage()->position));
    if (!next->has_value()) return absl::OkStatus();
    options.from = (*next)->position;
    options.expected = (*next)->header.base_offset;
  }
}

absl::Status LogDump::DumpRecords(const File& file, const ScannedBatch& scanned) {
  const absl::StatusOr<std::string> bytes = ReadBatch(file, scanned);
  if (!bytes.ok()) return bytes.status();
  const absl::StatusOr<BatchView> batch = BatchView::Parse(*bytes);
  if (!batch.ok()) return batch.status();
  absl::StatusOr<RecordIterator> records = RecordIterator::Create(*batch);
  if (!records.ok()) return records.status();
  std::vector<HeaderView> headers;
  while (true) {
    const absl::StatusOr<std::optional<RecordView>> record = records->Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) return absl::OkStatus();
    const RecordView& view = **record;
    CollectHeaders(view.headers, &headers);
    ShownRecord shown;
    shown.topic = topic_;
    shown.partition = partition_;
    shown.offset = view.offset;
    shown.timestamp_ms = view.timestamp_ms;
    shown.key = view.key;
    shown.value = view.value;
    shown.headers = headers;
    printer_->Record(shown,
                     topic_ == kMetadataTopic ? DescribeMetadata(view.value.value_or("")) : std::string());
  }
}

template <typename Entry>
absl::Status LogDump::DumpIndex(const std::string& path, void (LogPrinter::*print)(const Entry&)) {
  const absl::StatusOr<std::string> bytes = ReadWholeFile(fs_, path, kSmallFileMax);
  if (!bytes.ok()) return bytes.status();
  printer_->File(path, bytes->size());
  for (const Entry& entry : DecodeEntries<Entry>(*bytes, ParseLogFileName(LastPartOf(path)).base)) {
    (printer_->*print)(entry);
  }
  const size_t rest = bytes->size() % Entry::kBytes;
  if (rest != 0) {
    Problem(absl::StrCat(rest, " bytes of half an entry"), static_cast<int64_t>(bytes->size() - rest));
  }
  return absl::OkStatus();
}

absl::Status LogDump::DumpFormat(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadWholeFile(fs_, path, kSmallFileMax);
  if (!bytes.ok()) return bytes.status();
  printer_->File(path, bytes->size());
  const absl::StatusOr<FormatInfo> format = DecodeFormat(*bytes);
  if (format.ok()) {
    printer_->Format(*format);
  } else {
    Problem(ToStdString(format.status().message()));
  }
  return absl::OkStatus();
}

absl::Status LogDump::DumpCheckpoint(const std::string& path) {
  const absl::StatusOr<std::string> bytes = ReadWholeFile(fs_, path, kSmallFileMax);
  if (absl::IsNotFound(bytes.status())) {
    printer_->File(path, 0);
    Problem("missing");
    return absl::OkStatus();
  }
  if (!bytes.ok()) return bytes.status();
  printer_->File(path, bytes->size());
  const absl::StatusOr<Checkpoint> checkpoint = DecodeCheckpoint(*bytes);
  if (checkpoint.ok()) {
    printer_->CheckpointContent(*checkpoint);
  } else {
    Problem(ToStdString(checkpoint.status().message()));
  }
  return absl::OkStatus();
}

}  // namespace leat
