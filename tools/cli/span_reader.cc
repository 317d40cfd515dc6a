#include "tools/cli/span_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/env/clock.h"
#include "tools/cli/command_line.h"
#include "tools/cli/exit_code.h"

namespace leat {
namespace {

// More records than most batches have; each step costs a fetch.
constexpr int kBlindStepsMax = 10'000;

}  // namespace

absl::StatusOr<std::unique_ptr<SpanReader>> SpanReader::Create(Client& client, const std::string& topic,
                                                               const TopicSpan& span, ConnectionWatch watch) {
  absl::StatusOr<std::unique_ptr<Consumer>> consumer = Consumer::Create(client);
  if (!consumer.ok()) return consumer.status();
  std::unique_ptr<SpanReader> reader(new SpanReader(*std::move(consumer), topic, std::move(watch)));
  reader->gone_ = span.gone;
  std::vector<Assignment> assignments;
  for (const PartitionSpan& part : span.partitions) {
    if (part.empty()) continue;
    // A place behind the end is not there yet: wait at the end for it.
    assignments.push_back({{topic, part.partition}, ReadFrom::At(std::min(part.from, part.visible))});
    reader->parts_.emplace(part.partition, part);
  }
  if (assignments.empty()) return reader;
  absl::Status status = reader->consumer_->Assign(std::move(assignments)).Get();
  if (!status.ok()) return status;
  return reader;
}

absl::StatusOr<ConsumedRecords> SpanReader::Poll(absl::Duration timeout) {
  absl::StatusOr<ConsumedRecords> records = consumer_->Poll(timeout);
  if (!records.ok()) {
    const std::optional<TopicPartition> partition = PartitionOf(records.status());
    if (!partition.has_value()) return records;
    if (!Skip(partition->partition, records.status())) Fail(partition->partition, records.status());
    return ConsumedRecords();
  }
  if (!records->empty()) blind_steps_ = 0;
  if (records->empty()) {
    LookForEnds();
    if (absl::Status status = watch_.Check(); !done() && !status.ok()) return status;
  }
  records->erase(std::remove_if(records->begin(), records->end(),
                                [this](const ConsumedRecord& record) { return !Take(record); }),
                 records->end());
  return records;
}

bool SpanReader::Take(const ConsumedRecord& record) {
  const auto found = parts_.find(record.partition());
  if (found == parts_.end()) return false;
  const PartitionSpan part = found->second;
  const bool behind = part.to.has_value() && record.offset() >= *part.to;
  const bool too_late = part.to_time_ms.has_value() && record.timestamp_ms() >= *part.to_time_ms;
  if (behind || too_late || (part.to.has_value() && record.offset() + 1 >= *part.to)) Finish(part.partition);
  return !behind && !too_late && record.offset() >= part.from;
}

void SpanReader::Finish(int32_t partition) {
  // It may be gone meanwhile; then nothing flows either.
  (void)consumer_->Pause({{topic_, partition}});
  parts_.erase(partition);
}

bool SpanReader::Skip(int32_t partition, const absl::Status& cause) {
  const absl::StatusOr<PartitionProgress> progress = consumer_->Progress({topic_, partition});
  const auto part = parts_.find(partition);
  const std::optional<Offset> resume =
      progress.ok() && part != parts_.end() ? ResumeOffset(progress->position, cause) : std::nullopt;
  if (!resume.has_value()) return false;
  const Offset from = std::max(progress->position, part->second.from);
  const Offset to = std::min(*resume, part->second.to.value_or(*resume));
  if (from < to) AddGone({partition, from, to, CodeOf(cause) != ErrorCode::kOffsetOutOfRange}, &gone_);
  if (part->second.to.has_value() && *resume >= *part->second.to) {
    Finish(partition);
    return true;
  }
  return consumer_->Seek({topic_, partition}, ReadFrom::At(*resume)).Get().ok();
}

std::optional<Offset> SpanReader::ResumeOffset(Offset position, const absl::Status& cause) {
  const std::optional<UnreadableRange> range = UnreadableRangeOf(cause);
  if (range.has_value()) {
    blind_steps_ = 0;
    return range->end > position ? std::optional<Offset>(range->end) : std::nullopt;
  }
  const ErrorCode code = CodeOf(cause);
  if (code != ErrorCode::kDataLoss && code != ErrorCode::kCorruptBatch) return std::nullopt;
  // The damage hides where the next batch begins: feel for it.
  if (position < 0 || ++blind_steps_ > kBlindStepsMax) return std::nullopt;
  return position + 1;
}

void SpanReader::Fail(int32_t partition, const absl::Status& cause) {
  const absl::StatusOr<PartitionProgress> progress = consumer_->Progress({topic_, partition});
  const std::string from =
      progress.ok() && progress->position >= 0
          ? absl::StrCat("; partition ", partition, " was not read from offset ", progress->position, " on")
          : std::string();
  failures_.push_back(WithMessage(cause, absl::StrCat(cause.message(), from)));
  Finish(partition);
}

absl::Status ReportFailures(const std::vector<absl::Status>& failures) {
  for (size_t i = 1; i < failures.size(); ++i) PrintError(failures[i]);
  return failures.empty() ? absl::OkStatus() : failures.front();
}

void SpanReader::LookForEnds() {
  const int64_t now_ms = SystemClock().WallMs();
  std::vector<int32_t> ended;
  for (const auto& [partition, part] : parts_) {
    if (!part.to.has_value() && !part.to_time_ms.has_value()) continue;
    const absl::StatusOr<PartitionProgress> progress = consumer_->Progress({topic_, partition});
    if (!progress.ok()) continue;
    const bool reached = part.to.has_value() && progress->position >= *part.to;
    const bool passed = part.to_time_ms.has_value() && now_ms > *part.to_time_ms && progress->lag == 0;
    if (reached || passed) ended.push_back(partition);
  }
  for (int32_t partition : ended) Finish(partition);
}

absl::Status SpanReader::Pause(int32_t partition) {
  return done(partition) ? absl::OkStatus() : consumer_->Pause({{topic_, partition}});
}

absl::Status SpanReader::Resume(int32_t partition) {
  return done(partition) ? absl::OkStatus() : consumer_->Resume({{topic_, partition}});
}

}  // namespace leat
