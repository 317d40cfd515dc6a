// How a store starts: storage/README.md "Start" and durability-rules R12.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/parallel_recovery.h"
#include "storage/store_impl.h"
#include "storage/sweep.h"

namespace leat {
namespace {

constexpr size_t kNotesMax = 100;

}  // namespace

absl::Status StoreImpl::Open() {
  const absl::Duration start = runtime_.clock().Monotonic();
  absl::StatusOr<DataDirectory> directory = LockDataDirectory(fs_, paths_);
  if (!directory.ok()) return directory.status();
  directory_ = *std::move(directory);
  background_ = runtime_.NewExecutor("leat-background");
  const MetadataLog::Environment env{fs_, runtime_.clock(), files_, *background_};
  if (!directory_.set_up) {
    absl::StatusOr<FormatInfo> format = SetUpDataDirectory(paths_, env, options_.id_seed);
    if (!format.ok()) return format.status();
    directory_.format = *std::move(format);
    report_.fresh = true;
  }
  if (absl::Status read = ReadLastCheckpoint(); !read.ok()) return read;
  if (absl::Status read = ReadLastJournal(); !read.ok()) return read;
  if (absl::Status synced = SyncKeptDirectories(); !synced.ok()) return synced;
  absl::StatusOr<std::unique_ptr<MetadataLog>> metadata = OpenMetadata(env);
  if (!metadata.ok()) return metadata.status();
  if (absl::Status recovered = Recover(**metadata); !recovered.ok()) return recovered;
  report_.duration = runtime_.clock().Monotonic() - start;
  StartWork(*std::move(metadata));
  return absl::OkStatus();
}

absl::Status StoreImpl::Recover(MetadataLog& metadata) {
  const MetadataState& state = metadata.state();
  leader_epoch_ = state.leader_epoch() + (report_.clean ? 0 : 1);
  if (absl::Status swept = Sweep(state); !swept.ok()) return swept;
  StoreListener& events = *this;
  committer_ = std::make_unique<Committer>(runtime_, events, [this](const SegmentedLog& log) {
    const TopicPtr topic = table_.Find(log.topic());
    return absl::Milliseconds(topic == nullptr ? 0 : topic->config.flush_ms);
  });
  env_.emplace(LogEnvironment{fs_, runtime_.clock(), files_, *background_, *committer_, counters_});
  if (absl::Status opened = OpenTopics(state); !opened.ok()) return opened;
  if (absl::Status opened = WithReserve([this] { return OpenJournal(); }); !opened.ok()) return opened;
  checkpointer_ = std::make_unique<Checkpointer>(
      Checkpointer::Parts{fs_, paths_.meta, directory_.format.data_id, table_, metadata.log(), *journal_,
                          *background_, options_.checkpoint_interval,
                          [this](const absl::Status& cause) { committer_->Fail(cause); }},
      last_checkpoint_.checkpoint.sequence);
  // What recovery decided is on disk; now this says so, that the directory is in use, and where its journal
  // begins.
  absl::Status written = WithReserve([this] { return checkpointer_->Write(/*clean=*/false); });
  if (!written.ok()) return written;
  return WithReserve([this, &metadata] { return RaiseLeaderEpoch(metadata); });
}

absl::Status StoreImpl::ReadLastCheckpoint() {
  absl::StatusOr<CheckpointReading> reading = ReadCheckpoint(fs_, paths_.meta, directory_.format.data_id);
  if (!reading.ok()) return reading.status();
  last_checkpoint_ = *std::move(reading);
  switch (last_checkpoint_.state) {
    case CheckpointReading::State::kValid:
      report_.clean = last_checkpoint_.checkpoint.clean || report_.fresh;
      break;
    case CheckpointReading::State::kAbsent:
      // It was written before `format`, so somebody took it away.
      Report({"meta/checkpoint is missing: everything is read and nothing doubtful is cut"});
      break;
    case CheckpointReading::State::kUnreadable:
      Report({absl::StrCat("meta/checkpoint cannot be used: everything is read and nothing doubtful is cut (",
                           last_checkpoint_.problem, ")")});
      break;
  }
  return absl::OkStatus();
}

absl::Status StoreImpl::SyncKeptDirectories() {
  for (const std::string& dir : {paths_.topics, paths_.deleted}) {
    const absl::StatusOr<bool> exists = fs_.Exists(dir);
    if (!exists.ok()) return exists.status();
    if (*exists) continue;
    if (absl::Status made = CreateDirs(fs_, dir); !made.ok()) return made;
  }
  if (report_.clean) return absl::OkStatus();
  for (const std::string& dir : {paths_.root, paths_.meta, paths_.topics, paths_.deleted}) {
    if (absl::Status synced = fs_.SyncDir(dir); !synced.ok()) return synced;
  }
  return absl::OkStatus();
}

absl::Status StoreImpl::ReadLastJournal() {
  JournalReadInput input;
  input.dir = options_.journal_dir.empty() ? paths_.journal : options_.journal_dir;
  input.journal_id = directory_.format.journal_id;
  input.known = last_checkpoint_.state == CheckpointReading::State::kValid;
  input.epoch = last_checkpoint_.checkpoint.journal_epoch;
  input.oldest_sequence = last_checkpoint_.checkpoint.journal_oldest_sequence;
  absl::StatusOr<JournalReading> reading = ReadJournal(fs_, input);
  if (!reading.ok()) return reading.status();
  last_journal_ = *std::move(reading);
  report_.journal_groups = last_journal_.groups;
  Report(std::move(last_journal_.notes));
  return absl::OkStatus();
}

// A new epoch, which names what counts of the former ones (R16).
absl::Status StoreImpl::OpenJournal() {
  Journal::Options options;
  options.dir = options_.journal_dir.empty() ? paths_.journal : options_.journal_dir;
  options.journal_id = directory_.format.journal_id;
  options.file_bytes = options_.journal_file_bytes;
  options.bytes_max = options_.journal_bytes_max;
  Journal::Start start;
  start.epoch = std::max(last_journal_.last_epoch, last_checkpoint_.checkpoint.journal_epoch) + 1;
  start.accepted_sequence = last_journal_.accepted_sequence;
  start.file_number = last_journal_.next_file_number;
  start.former_files = last_journal_.files;
  if (writeback_ == nullptr) writeback_ = runtime_.NewExecutor("leat-writeback");
  absl::StatusOr<std::unique_ptr<Journal>> journal = Journal::Open(fs_, *writeback_, options, start);
  if (!journal.ok()) return journal.status();
  journal_ = *std::move(journal);
  syncer_ = std::make_unique<SegmentSyncer>(SegmentSyncer::Parts{
      runtime_.clock(), *writeback_, *journal_, cost_,
      [this](bool urgent) { urgent ? checkpointer_->NoteUrgent() : checkpointer_->Note(); },
      [this](const absl::Status& cause) { committer_->Fail(cause); }});
  committer_->UseJournal({options_.commit_mode, journal_.get(), syncer_.get(), &cost_});
  return absl::OkStatus();
}

std::optional<CheckpointEntry> StoreImpl::PromiseOf(uint64_t partition_id) const {
  if (last_checkpoint_.state != CheckpointReading::State::kValid) return std::nullopt;
  const Checkpoint& checkpoint = last_checkpoint_.checkpoint;
  const auto entry =
      std::lower_bound(checkpoint.entries.begin(), checkpoint.entries.end(), partition_id,
                       [](const CheckpointEntry& e, uint64_t id) { return e.partition_id < id; });
  if (entry != checkpoint.entries.end() && entry->partition_id == partition_id) return *entry;
  if (std::binary_search(checkpoint.unproven.begin(), checkpoint.unproven.end(), partition_id) ||
      partition_id == MetadataLog::kPartitionId) {
    return std::nullopt;
  }
  // It is younger than the checkpoint: nothing has been promised by one.
  return CheckpointEntry{.partition_id = partition_id};
}

absl::StatusOr<std::unique_ptr<MetadataLog>> StoreImpl::OpenMetadata(const MetadataLog::Environment& env) {
  const MetadataLog::Promise promise{PromiseOf(MetadataLog::kPartitionId), report_.clean};
  absl::StatusOr<MetadataLog::Opened> opened = MetadataLog::Open(paths_.metadata_log, promise, env);
  if (!opened.ok()) return opened.status();
  CountRecovered(opened->recovered);
  return std::move(opened->log);
}

absl::Status StoreImpl::Sweep(const MetadataState& state) {
  std::vector<std::string> notes;
  if (absl::Status swept = SweepTopicDirectories(fs_, paths_, state, notes); !swept.ok()) return swept;
  absl::StatusOr<std::vector<std::string>> removable = ListDeleted(fs_, paths_, notes);
  if (!removable.ok()) return removable.status();
  left_to_remove_ = *std::move(removable);
  Report(std::move(notes));
  return absl::OkStatus();
}

absl::Status StoreImpl::OpenTopics(const MetadataState& state) {
  std::vector<OpeningTopic> topics;
  std::vector<RecoveryInput> inputs;
  for (const auto& [name, metadata] : state.topics()) {
    std::vector<std::string> notes;
    topics.push_back({metadata, ResolveStoredSettings(options_.topic_defaults, metadata.overrides, notes)});
    Report(std::move(notes));
    for (uint32_t partition = 0; partition < metadata.partition_ids.size(); ++partition) {
      inputs.push_back(InputOf(topics.back(), partition, state));
    }
  }
  absl::StatusOr<std::vector<RecoveredPartition>> recovered = RecoverPartitions(fs_, runtime_, inputs);
  if (!recovered.ok()) return recovered.status();
  size_t next = 0;
  for (const OpeningTopic& topic : topics) {
    const size_t count = topic.metadata.partition_ids.size();
    absl::Status opened = OpenTopic(topic, absl::MakeConstSpan(inputs).subspan(next, count),
                                    absl::MakeConstSpan(*recovered).subspan(next, count));
    if (!opened.ok()) return opened;
    next += count;
  }
  return absl::OkStatus();
}

RecoveryInput StoreImpl::InputOf(const OpeningTopic& topic, uint32_t partition, const MetadataState& state) {
  RecoveryInput input;
  input.dir = paths_.Partition(topic.metadata.name, partition);
  input.name = PartitionDirName(topic.metadata.name, partition);
  input.partition_id = topic.metadata.partition_ids[partition];
  input.log_start = state.LogStart(input.partition_id);
  input.checkpoint = PromiseOf(input.partition_id);
  input.clean = report_.clean;
  input.index_interval_bytes = topic.settings.config.index_interval_bytes;
  const auto journaled = last_journal_.partitions.find(input.partition_id);
  if (journaled != last_journal_.partitions.end()) {
    input.refill = std::move(journaled->second.pieces);
    input.promised = journaled->second.promised;
    input.promised->log_start = input.log_start;
  }
  return input;
}

absl::Status StoreImpl::OpenTopic(const OpeningTopic& topic, absl::Span<const RecoveryInput> inputs,
                                  absl::Span<const RecoveredPartition> recovered) {
  const auto config = std::make_shared<const TopicConfig>(topic.settings.config);
  LogList logs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    CountRecovered(recovered[i]);
    ++report_.partitions;
    SegmentedLogOptions options;
    options.dir = inputs[i].dir;
    options.id = inputs[i].partition_id;
    options.topic = topic.metadata.name;
    options.partition = static_cast<uint32_t>(i);
    options.leader_epoch = leader_epoch_;
    options.config = config;
    absl::StatusOr<std::shared_ptr<SegmentedLog>> log =
        SegmentedLog::Open(std::move(options), *env_, recovered[i]);
    if (!log.ok()) return log.status();
    logs.push_back(*std::move(log));
  }
  TopicPtr opened = MakeTopic(topic.metadata, topic.settings, logs);
  table_.Put(std::move(opened), std::move(logs));
  return absl::OkStatus();
}

void StoreImpl::CountRecovered(const RecoveredPartition& recovered) {
  report_.batches_scanned += recovered.batches_scanned;
  report_.bytes_scanned += recovered.bytes_scanned;
  report_.bytes_cut += recovered.bytes_cut;
  report_.bytes_refilled += recovered.bytes_refilled;
  report_.indexes_rebuilt += recovered.indexes_rebuilt;
  if (!recovered.write_status.ok()) ++report_.partitions_fenced;
  if (!recovered.lost.empty()) ++report_.partitions_damaged;
  counters_.indexes_rebuilt.fetch_add(recovered.indexes_rebuilt, std::memory_order_relaxed);
  Report(recovered.notes);
}

void StoreImpl::Report(std::vector<std::string> notes) {
  for (std::string& note : notes) {
    if (report_.notes.size() < kNotesMax - 1) {
      report_.notes.push_back(std::move(note));
    } else if (report_.notes.size() == kNotesMax - 1) {
      report_.notes.emplace_back("more was found; only the first notes are kept");
    }
  }
}

absl::Status StoreImpl::RaiseLeaderEpoch(MetadataLog& metadata) {
  if (leader_epoch_ == metadata.state().leader_epoch()) return absl::OkStatus();
  return metadata.Append(LeaderEpochRaised{leader_epoch_});
}

void StoreImpl::StartWork(std::unique_ptr<MetadataLog> metadata) {
  admin_ = std::make_unique<TopicAdmin>(
      TopicAdmin::Parts{options_, paths_, *env_, table_, reserve_, leader_epoch_}, std::move(metadata));
  last_checkpoint_ = {};
  last_journal_ = {};
  reserve_.Hold();
  for (std::string& path : std::exchange(left_to_remove_, {})) RemoveInBackground(std::move(path));
  checkpointer_->Note();
  background_->PostAfter(absl::Seconds(1), [this] { Tick(); });
}

}  // namespace leat
