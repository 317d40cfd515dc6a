#include "broker/handlers/fetch_poll.h"

#include <algorithm>
#include <utility>

#include "broker/broker.h"
#include "broker/handlers/reply_body.h"
#include "broker/lane.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"

namespace leat {
namespace {

uint64_t Capped(uint64_t asked, int64_t limit) {
  const auto most = static_cast<uint64_t>(limit);
  return asked == 0 ? most : std::min(asked, most);
}

}  // namespace

FetchPoll::FetchPoll(Responder responder, const wire::FetchRequest& fetch)
    : responder_(std::move(responder)),
      lane_(responder_.lane()),
      broker_(responder_.broker()),
      number_(lane_.NextNumber()),
      bytes_min_(std::min(fetch.min_bytes(), Capped(fetch.max_bytes(), broker_.config().fetch_bytes_max))),
      bytes_max_(Capped(fetch.max_bytes(), broker_.config().fetch_bytes_max)),
      wait_until_(responder_.started() + absl::Milliseconds(std::min<int64_t>(
                                             fetch.max_wait_ms(), broker_.config().fetch_wait_ms_max))) {
  PartitionFinder finder(broker_.store());
  partitions_.reserve(static_cast<size_t>(fetch.partitions_size()));
  for (const wire::FetchPartition& entry : fetch.partitions()) {
    Partition partition;
    partition.offset = entry.offset();
    partition.bytes_max = Capped(entry.max_bytes(), broker_.config().fetch_bytes_max);
    absl::StatusOr<std::shared_ptr<PartitionLog>> log = finder.Find(entry.topic(), entry.partition());
    if (log.ok()) {
      partition.log = *std::move(log);
    } else {
      partition.status = log.status();
    }
    partitions_.push_back(std::move(partition));
  }
}

void FetchPoll::Start() {
  time_is_up_ = bytes_min_ == 0 || wait_until_ <= lane_.clock().Monotonic();
  TryReply(false);
  if (responder_.answered() || wants_room_) return;
  // Registered first and looked at again, see Lane.
  Wait();
  TryReply(false);
}

void FetchPoll::TryReply(bool whatever_there_is) {
  if (responder_.answered()) return;
  time_is_up_ = time_is_up_ || whatever_there_is;
  Session& session = responder_.session();
  if (!session.HasSendRoom()) {
    if (std::exchange(wants_room_, true)) return;
    session.WhenSendRoom([self = shared_from_this()] {
      self->wants_room_ = false;
      self->TryReply(false);
      if (!self->responder_.answered() && !self->waiting_ && !self->wants_room_) self->Start();
    });
    return;
  }
  bool failed = false;
  const uint64_t total = ReadAll(&failed);
  // Where a slice had to end although more is there, such as at the end of a segment, waiting would bring
  // nothing.
  const bool more_is_there =
      std::any_of(partitions_.begin(), partitions_.end(),
                  [](const Partition& partition) { return partition.slice.more_follows; });
  if (failed || time_is_up_ || total >= bytes_min_ || more_is_there) return Reply();
  for (Partition& partition : partitions_) partition.slice = LogSlice();  // holds no files while it waits
}

// Each partition gives what still fits; the first one that has anything gives at least a batch.
uint64_t FetchPoll::ReadAll(bool* failed) {
  uint64_t total = 0;
  for (Partition& partition : partitions_) {
    partition.slice = LogSlice();
    if (partition.log == nullptr) {
      *failed = true;
      continue;
    }
    partition.status = absl::OkStatus();
    if (total >= bytes_max_) continue;
    const uint64_t room = bytes_max_ - total;
    absl::StatusOr<LogSlice> slice =
        partition.log->Read(partition.offset, std::min(room, partition.bytes_max));
    partition.status = slice.status();
    if (!slice.ok()) {
      *failed = true;
    } else if (total == 0 || slice->length <= room) {
      total += slice->length;
      partition.slice = *std::move(slice);
    }
  }
  return total;
}

void FetchPoll::Wait() {
  waiting_ = true;
  broker_.metrics().fetch_waiters.Add();
  for (const Partition& partition : partitions_) {
    if (partition.log != nullptr) lane_.WaitForRecords(partition.log->id(), number_, shared_from_this());
  }
  responder_.session().AddPoll(number_, shared_from_this());
  deadline_ = lane_.deadlines().Add(wait_until_, [self = shared_from_this()] { self->TryReply(true); });
}

void FetchPoll::StopWaiting() {
  if (!std::exchange(waiting_, false)) return;
  broker_.metrics().fetch_waiters.Sub();
  for (const Partition& partition : partitions_) {
    if (partition.log != nullptr) lane_.ForgetRecords(partition.log->id(), number_);
  }
  lane_.deadlines().Drop(deadline_);
}

void FetchPoll::Abandon() {
  const std::shared_ptr<FetchPoll> self = shared_from_this();
  StopWaiting();
  responder_.Forget();
}

void FetchPoll::Reply() {
  const std::shared_ptr<FetchPoll> self = shared_from_this();
  if (waiting_) responder_.session().RemovePoll(number_);
  StopWaiting();
  wire::ResponseHeader reply;
  wire::FetchResponse& body = *reply.mutable_fetch();
  ReplyBody bytes;
  for (Partition& partition : partitions_) {
    wire::FetchResult* result = body.add_results();
    if (partition.status.ok()) partition.status = bytes.Add(partition.slice);
    if (partition.log != nullptr) {
      const LogState state = partition.log->state();
      result->set_log_start_offset(state.marks.log_start);
      result->set_durable_offset(state.marks.durable);
      result->set_visible_offset(state.visible);
      result->set_leader_epoch(state.leader_epoch);
    }
    if (partition.status.ok()) {
      result->set_batches_bytes(partition.slice.length);
      broker_.metrics().batch_bytes_out.Add(static_cast<int64_t>(partition.slice.length));
    } else {
      ToWire(partition.status, result->mutable_error());
      broker_.metrics().CountError(CodeOf(partition.status));
    }
  }
  responder_.Send(reply, bytes.Take());
}

}  // namespace leat
