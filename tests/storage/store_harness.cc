#include "tests/storage/store_harness.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/support/batch_factory.h"

namespace leat {

void RecordingListener::OnCommitted(absl::Span<const CommitOutcome> outcomes) {
  MutexLock lock(mutex_);
  ++calls_;
  for (const CommitOutcome& outcome : outcomes) {
    if (!outcome.status.ok()) {
      errors_.push_back(outcome.status);
    } else {
      Offset& durable = durable_[outcome.log->id()];
      durable = std::max(durable, outcome.marks.durable);
    }
  }
}

void RecordingListener::OnStorageFailure(const absl::Status& cause) {
  MutexLock lock(mutex_);
  failures_.push_back(cause);
}

Offset RecordingListener::Durable(uint64_t partition_id) const {
  MutexLock lock(mutex_);
  const auto found = durable_.find(partition_id);
  return found == durable_.end() ? 0 : found->second;
}

std::vector<absl::Status> RecordingListener::errors() const {
  MutexLock lock(mutex_);
  return errors_;
}

std::vector<absl::Status> RecordingListener::failures() const {
  MutexLock lock(mutex_);
  return failures_;
}

uint64_t RecordingListener::calls() const {
  MutexLock lock(mutex_);
  return calls_;
}

StoreOptions WithCommitMode(CommitMode mode, StoreOptions options) {
  options.commit_mode = mode;
  return options;
}

SimStore::SimStore(FileSystem& fs, uint64_t seed, StoreOptions options)
    : runtime_(seed), fs_(fs), options_(std::move(options)) {
  options_.data_dir = kStoreDir;
  options_.id_seed = 1;
}

SimStore::~SimStore() = default;

absl::Status SimStore::Open() {
  absl::StatusOr<std::unique_ptr<LogStore>> store = LogStore::Open(options_, fs_, runtime_, listener_);
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  return absl::OkStatus();
}

absl::StatusOr<Offset> SimStore::Append(const std::string& topic, uint32_t partition,
                                        const std::vector<std::string>& values, CommitUrgency urgency) {
  const absl::StatusOr<AppendResult> result = AppendValues(*store_, topic, partition, values, urgency);
  if (!result.ok()) return result.status();
  return result->base_offset;
}

absl::StatusOr<std::vector<std::string>> SimStore::ReadAll(const std::string& topic, uint32_t partition) {
  return ReadAllValues(*store_, topic, partition);
}

absl::StatusOr<AppendResult> AppendValues(LogStore& store, const std::string& topic, uint32_t partition,
                                          const std::vector<std::string>& values, CommitUrgency urgency) {
  const TopicPtr found = store.FindTopic(topic);
  if (found == nullptr) return MakeError(ErrorCode::kUnknownTopic, topic);
  std::string batch = MakeValueBatch(values);
  const absl::StatusOr<BatchHeader> header = ParseBatchHeader(batch);
  if (!header.ok()) return header.status();
  return found->partitions.at(partition)->Append(*header, absl::MakeSpan(batch), urgency);
}

absl::StatusOr<std::vector<std::string>> ReadAllValues(LogStore& store, const std::string& topic,
                                                       uint32_t partition) {
  const TopicPtr found = store.FindTopic(topic);
  if (found == nullptr) return MakeError(ErrorCode::kUnknownTopic, topic);
  PartitionLog& log = *found->partitions.at(partition);
  std::vector<std::string> values;
  for (Offset next = log.marks().log_start; next < log.visible_offset();) {
    const absl::StatusOr<LogSlice> slice = log.Read(next, 1 << 20);
    if (!slice.ok()) return slice.status();
    std::string bytes(slice->length, '\0');
    const absl::StatusOr<size_t> got = slice->file->ReadAt(slice->position, absl::MakeSpan(bytes));
    if (!got.ok()) return got.status();
    const absl::StatusOr<std::vector<TestRecord>> records = DecodeBatches(bytes);
    if (!records.ok()) return records.status();
    for (const TestRecord& record : *records) {
      if (record.offset != next) {
        return MakeError(ErrorCode::kDataLoss, absl::StrCat("offset ", record.offset, " follows ", next));
      }
      ++next;
      values.push_back(record.value.value_or("null"));
    }
  }
  return values;
}

std::map<std::string, std::string> Snapshot(FileSystem& fs, const std::string& path) {
  std::map<std::string, std::string> all;
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(path);
  EXPECT_TRUE(entries.ok()) << entries.status();
  if (!entries.ok()) return all;
  for (const DirEntry& entry : *entries) {
    const std::string child = absl::StrCat(path, "/", entry.name);
    if (entry.is_directory) {
      all[child] = "directory";
      all.merge(Snapshot(fs, child));
    } else {
      all[child] = absl::StrCat("file ", ReadWholeFile(fs, child, 1 << 30).value_or("unreadable"));
    }
  }
  return all;
}

}  // namespace leat
