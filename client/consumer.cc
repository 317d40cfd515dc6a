#include "client/consumer.h"

#include "client/internal/consumer_core.h"
#include "client/internal/consumer_runner.h"
#include "client/record_range.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

absl::Status Validate(const ConsumerOptions& options) {
  const auto refuse = [](absl::string_view message) {
    return MakeError(ErrorCode::kInvalidRequest, message);
  };
  if (options.prefetch_bytes_max == 0) return refuse("prefetch_bytes_max has to be above zero");
  if (options.partition_bytes_max == 0) return refuse("partition_bytes_max has to be above zero");
  if (options.poll_records_max == 0) return refuse("poll_records_max has to be above zero");
  if (options.decompressed_bytes_max == 0) return refuse("decompressed_bytes_max has to be above zero");
  if (options.fetch_max_wait < absl::ZeroDuration() || options.fetch_max_wait > absl::Hours(1)) {
    return refuse("fetch_max_wait has to be between zero and an hour");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Consumer>> Consumer::Create(Client& client, ConsumerOptions options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  auto core = std::make_shared<ConsumerCore>(client.core(), std::move(options));
  if (absl::Status status = core->Open(); !status.ok()) return status;
  return std::unique_ptr<Consumer>(new Consumer(std::move(core)));
}

Consumer::Consumer(std::shared_ptr<ConsumerCore> core)
    : core_(std::move(core)), runner_(std::make_unique<ConsumerRunner>(core_)) {}

Consumer::~Consumer() {
  runner_ = nullptr;
  Unassign();
  core_->Close(MakeError(ErrorCode::kShuttingDown, "the consumer was closed"));
}

Future<absl::Status> Consumer::Assign(std::vector<Assignment> assignments) {
  return core_->Assign(std::move(assignments));
}

Future<absl::Status> Consumer::AssignTopics(std::vector<std::string> topics, ReadFrom from) {
  return core_->AssignTopics(std::move(topics), from);
}

void Consumer::Unassign() { static_cast<void>(core_->Assign({})); }

std::vector<TopicPartition> Consumer::Assigned() const { return core_->Assigned(); }

Future<absl::Status> Consumer::Seek(const TopicPartition& partition, ReadFrom from) {
  return core_->Seek(partition, from);
}

absl::StatusOr<ConsumedRecords> Consumer::Poll(absl::Duration timeout) {
  return core_->Poll(timeout, nullptr);
}

absl::StatusOr<ConsumedRecords> Consumer::TryPoll() { return core_->TryPoll(); }

Future<absl::StatusOr<ConsumedRecords>> Consumer::PollAsync(absl::Duration timeout) {
  return core_->PollAsync(timeout);
}

RecordRange Consumer::Records() { return RecordRange(*core_, false, absl::InfiniteDuration()); }

RecordRange Consumer::RecordsUntilEnd(absl::Duration timeout) { return RecordRange(*core_, true, timeout); }

absl::Status Consumer::Run(RecordHandler handler, ErrorHandler on_error) {
  return runner_->Run(std::move(handler), std::move(on_error));
}

absl::Status Consumer::Stop() { return runner_->Stop(); }

absl::Status Consumer::Pause(const std::vector<TopicPartition>& partitions) {
  return core_->SetPaused(partitions, true);
}

absl::Status Consumer::Resume(const std::vector<TopicPartition>& partitions) {
  return core_->SetPaused(partitions, false);
}

absl::StatusOr<PartitionProgress> Consumer::Progress(const TopicPartition& partition) const {
  return core_->Progress(partition);
}

Future<absl::StatusOr<std::map<TopicPartition, Offset>>> Consumer::EndOffsets() const {
  return core_->EndOffsets();
}

size_t Consumer::prefetched_bytes() const { return core_->prefetched_bytes(); }

}  // namespace leat
