#include "client/internal/consumer_core.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "client/internal/caller.h"
#include "client/internal/consumer_fetcher.h"
#include "client/internal/offset_query.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"
#include "protocol/wire/utf8.h"

namespace leat {
namespace {

absl::Status NotAssigned(const TopicPartition& id) {
  return MakeError(ErrorCode::kInvalidRequest,
                   absl::StrCat(id.topic, "-", id.partition, " is not assigned to this consumer"));
}

absl::Status Validate(const TopicPartition& id, ReadFrom from) {
  if (id.topic.empty() || id.partition < 0) {
    return MakeError(ErrorCode::kInvalidRequest, "an assignment needs a topic and a partition from 0 on");
  }
  if (!IsValidUtf8(id.topic)) {
    return MakeError(ErrorCode::kInvalidTopicName, "a topic's name has letters, digits, dots, _ and - only");
  }
  if (from.kind == ReadFrom::Kind::kOffset && from.value < 0) {
    return MakeError(ErrorCode::kInvalidRequest, "an offset cannot be negative");
  }
  return absl::OkStatus();
}

}  // namespace

ConsumerCore::ConsumerCore(std::shared_ptr<ClientCore> client, ConsumerOptions options)
    : client_(std::move(client)),
      options_(std::move(options)),
      fetcher_(std::make_unique<ConsumerFetcher>(*client_, *this)) {}

ConsumerCore::~ConsumerCore() = default;

absl::Status ConsumerCore::Open() {
  const bool open = client_->Post(
      [self = shared_from_this()] { self->client_->AddMember(std::weak_ptr<ClientCore::Member>(self)); });
  return open ? absl::OkStatus() : ClientClosedError();
}

ConsumerPartition* ConsumerCore::Find(const TopicPartition& id) const {
  const auto it = partitions_.find(id);
  return it == partitions_.end() ? nullptr : it->second.get();
}

ConsumerPartition* ConsumerCore::Find(const TopicPartition& id, uint64_t generation) const {
  ConsumerPartition* partition = Find(id);
  return partition != nullptr && partition->generation == generation ? partition : nullptr;
}

void ConsumerCore::Aim(ConsumerPartition& partition, ReadFrom from,
                       const std::shared_ptr<PositionToken>& token, Tokens& dropped) {
  if (partition.token != nullptr) {
    partition.token->error =
        MakeError(ErrorCode::kInvalidRequest, "the partition was sought again meanwhile");
    dropped.push_back(std::move(partition.token));
  }
  const bool known = from.kind == ReadFrom::Kind::kOffset;
  partition.from = from;
  partition.phase = known ? ConsumerPartition::Phase::kFetch : ConsumerPartition::Phase::kLookUp;
  partition.position = known ? from.value : -1;
  partition.token = known ? nullptr : token;
  partition.error = absl::OkStatus();
  buffered_bytes_ -= partition.Reset(next_generation_++);
}

void ConsumerCore::DropAll(const absl::Status& reason, Tokens& dropped) {
  for (auto& [id, partition] : partitions_) {
    if (partition->token == nullptr) continue;
    partition->token->error = reason;
    dropped.push_back(std::move(partition->token));
  }
  partitions_.clear();
  readable_.clear();
  failed_.clear();
  buffered_bytes_ = 0;
}

// Held partitions keep their positions, give nothing and fetch nothing.
void ConsumerCore::HoldAll(bool held) {
  MutexLock lock(mutex_);
  for (auto& [id, partition] : partitions_) {
    partition->held = held;
    if (!held || partition->phase == ConsumerPartition::Phase::kLookUp) continue;
    buffered_bytes_ -= partition->Reset(next_generation_++);
  }
}

Future<absl::Status> ConsumerCore::Assign(std::vector<Assignment> assignments) {
  std::set<TopicPartition> distinct;
  for (const Assignment& each : assignments) {
    absl::Status status = Validate(each.partition, each.from);
    if (status.ok() && !distinct.insert(each.partition).second) {
      status = MakeError(
          ErrorCode::kInvalidRequest,
          absl::StrCat(each.partition.topic, "-", each.partition.partition, " is in the assignment twice"));
    }
    if (!status.ok()) return Future<absl::Status>::Of(status);
  }
  if (const std::vector<TopicPartition> before = Assigned(); options_.on_revoked && !before.empty()) {
    HoldAll(true);
    options_.on_revoked(before);
  }
  auto token = std::make_shared<PositionToken>();
  Future<absl::Status> future = token->promise.GetFuture();
  Tokens dropped;
  {
    MutexLock lock(mutex_);
    if (!closed_.ok()) {
      token->error = closed_;
      dropped.push_back(std::move(token));
      return future;
    }
    DropAll(MakeError(ErrorCode::kInvalidRequest, "the assignment was changed meanwhile"), dropped);
    for (const Assignment& each : assignments) {
      std::unique_ptr<ConsumerPartition>& partition = partitions_[each.partition];
      partition = std::make_unique<ConsumerPartition>();
      partition->id = each.partition;
      partition->topic = std::make_shared<const std::string>(each.partition.topic);
      partition->held = options_.on_assigned != nullptr;
      Aim(*partition, each.from, token, dropped);
    }
  }
  if (const std::vector<TopicPartition> now = Assigned(); options_.on_assigned && !now.empty()) {
    options_.on_assigned(now);
    HoldAll(false);
  }
  PostTurn();
  return future;
}

Future<absl::Status> ConsumerCore::AssignTopics(std::vector<std::string> topics, ReadFrom from) {
  wire::RequestHeader request;
  std::sort(topics.begin(), topics.end());
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  for (const std::string& topic : topics) request.mutable_metadata()->add_topics(topic);
  if (topics.empty()) return Assign({});
  Promise<absl::Status> promise;
  Future<absl::Status> future = promise.GetFuture();
  CallWithRetry(
      client_, std::move(request), After(MonotonicNow(), client_->options().operation_timeout),
      [self = shared_from_this(), from, asked = topics.size(),
       promise = std::move(promise)](CallReply reply) mutable {
        if (!reply.header.ok()) return promise.Set(reply.header.status());
        if (static_cast<size_t>((*reply.header)->metadata().topics_size()) != asked) {
          return promise.Set(MakeError(ErrorCode::kUnknown, "the broker's reply does not fit the request"));
        }
        std::vector<Assignment> assignments;
        for (const wire::TopicMetadata& topic : (*reply.header)->metadata().topics()) {
          if (absl::Status error = FromWire(topic.error()); !error.ok()) return promise.Set(std::move(error));
          for (uint32_t each = 0; each < std::min<uint32_t>(topic.partition_count(), 1'000'000); ++each) {
            assignments.push_back({{topic.name(), static_cast<int32_t>(each)}, from});
          }
        }
        self->Assign(std::move(assignments))
            .Then([promise = std::move(promise)](absl::Status status) mutable {
              promise.Set(std::move(status));
            });
      });
  return future;
}

std::vector<TopicPartition> ConsumerCore::Assigned() const {
  std::vector<TopicPartition> assigned;
  MutexLock lock(mutex_);
  for (const auto& [id, partition] : partitions_) assigned.push_back(id);
  return assigned;
}

Future<absl::Status> ConsumerCore::Seek(const TopicPartition& id, ReadFrom from) {
  if (absl::Status status = Validate(id, from); !status.ok()) return Future<absl::Status>::Of(status);
  auto token = std::make_shared<PositionToken>();
  Future<absl::Status> future = token->promise.GetFuture();
  Tokens dropped;
  {
    MutexLock lock(mutex_);
    ConsumerPartition* partition = Find(id);
    if (partition == nullptr) {
      token->error = closed_.ok() ? NotAssigned(id) : closed_;
      dropped.push_back(std::move(token));
      return future;
    }
    Aim(*partition, from, token, dropped);
  }
  PostTurn();
  return future;
}

absl::Status ConsumerCore::SetPaused(const std::vector<TopicPartition>& ids, bool paused) {
  {
    MutexLock lock(mutex_);
    for (const TopicPartition& id : ids) {
      if (Find(id) == nullptr) return NotAssigned(id);
    }
    for (const TopicPartition& id : ids) {
      ConsumerPartition& partition = *Find(id);
      if (partition.paused == paused) continue;
      partition.paused = paused;
      // What it holds would take room from the others for as long as it is paused.
      if (!paused || partition.phase == ConsumerPartition::Phase::kLookUp) continue;
      if (partition.phase == ConsumerPartition::Phase::kHalted) {
        if (partition.buffered_bytes == 0) continue;
        // The error behind these records will be met again.
        partition.phase = ConsumerPartition::Phase::kFetch;
        partition.error = absl::OkStatus();
      }
      buffered_bytes_ -= partition.Reset(next_generation_++);
    }
  }
  PostTurn();
  return absl::OkStatus();
}

absl::StatusOr<PartitionProgress> ConsumerCore::Progress(const TopicPartition& id) const {
  MutexLock lock(mutex_);
  const ConsumerPartition* partition = Find(id);
  if (partition == nullptr) return closed_.ok() ? NotAssigned(id) : closed_;
  PartitionProgress progress;
  progress.position = partition->position;
  progress.log_start_offset = partition->log_start_offset;
  progress.visible_offset = partition->visible_offset;
  if (progress.position >= 0 && progress.visible_offset >= 0) {
    progress.lag = std::max<int64_t>(0, progress.visible_offset - progress.position);
  }
  progress.paused = partition->paused;
  return progress;
}

Future<absl::StatusOr<std::map<TopicPartition, Offset>>> ConsumerCore::EndOffsets() const {
  using Ends = absl::StatusOr<std::map<TopicPartition, Offset>>;
  std::vector<OffsetQuestion> questions;
  for (TopicPartition& id : Assigned()) questions.push_back({std::move(id), OffsetQuestion::Kind::kEnd, 0});
  if (questions.empty()) return Future<Ends>::Of(Ends(std::map<TopicPartition, Offset>()));
  Promise<Ends> promise;
  Future<Ends> future = promise.GetFuture();
  AskOffsets(client_, questions)
      .Then([promise = std::move(promise), questions](absl::StatusOr<OffsetReplies> replies) mutable {
        if (!replies.ok()) return promise.Set(replies.status());
        std::map<TopicPartition, Offset> ends;
        for (size_t i = 0; i < questions.size(); ++i) {
          if (!(*replies)[i].ok()) return promise.Set((*replies)[i].status());
          ends[questions[i].partition] = (*replies)[i]->offset;
        }
        promise.Set(std::move(ends));
      });
  return future;
}

size_t ConsumerCore::prefetched_bytes() const {
  MutexLock lock(mutex_);
  return buffered_bytes_;
}

void ConsumerCore::PostTurn() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(turn_posted_, true)) return;
  }
  client_->Post([self = shared_from_this()] { self->fetcher_->Turn(); });
}

void ConsumerCore::Close(const absl::Status& reason) {
  Tokens dropped;
  std::optional<PollWaiter> waiter;
  {
    MutexLock lock(mutex_);
    if (!closed_.ok()) return;
    closed_ = reason;
    DropAll(reason, dropped);
    waiter = std::exchange(waiter_, std::nullopt);
  }
  Wake();
  if (waiter.has_value()) waiter->promise.Set(reason);
  if (client_->OnIoThread()) return fetcher_->Stop();
  client_->Post([self = shared_from_this()] { self->fetcher_->Stop(); });
}

void ConsumerCore::OnClientClosed() { Close(ClientClosedError()); }

}  // namespace leat
