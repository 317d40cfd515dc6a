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
    partition.bytes_max = std::min(Capped(entry.max_bytes(), broker_.config().fetch_bytes_max), bytes_max_);
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
  ready_ = bytes_min_ == 0 || wait_until_ <= lane_.clock().Monotonic();
  LookAtAll();
  if (!ready_) {
    // Registered first and looked at again, see Lane.
    Wait();
    LookAtAll();
  }
  ReplyIfReady();
}

// What is known of the other partitions stays: a wake-up costs as much as has changed.
void FetchPoll::OnVisible(absl::Span<const uint32_t> indexes) {
  for (const uint32_t index : indexes) {
    if (!ready_) LookAt(partitions_[index]);
  }
  ReplyIfReady();
}

void FetchPoll::FinishNow() {
  ready_ = true;
  ReplyIfReady();
}

void FetchPoll::LookAtAll() {
  for (Partition& partition : partitions_) {
    if (!ready_) LookAt(partition);
  }
}

// An error is worth a reply. So is a slice that had to end although more is there, such as at the end of a
// segment: waiting would bring nothing.
void FetchPoll::LookAt(Partition& partition) {
  ready_ = true;
  if (partition.log == nullptr) return;
  absl::StatusOr<LogSlice> slice = partition.log->Read(partition.offset, partition.bytes_max);
  if (!slice.ok()) return;
  bytes_seen_ += slice->length - partition.bytes_seen;
  partition.bytes_seen = slice->length;
  ready_ = bytes_seen_ >= bytes_min_ || slice->more_follows;
  if (ready_) partition.slice = *std::move(slice);
}

void FetchPoll::ReplyIfReady() {
  if (!ready_ || wants_room_ || responder_.answered()) return;
  if (responder_.session().HasSendRoom()) return Reply();
  wants_room_ = true;
  for (Partition& partition : partitions_) partition.slice = LogSlice();  // holds no files while it waits
  responder_.session().WhenSendRoom([self = shared_from_this()] {
    self->wants_room_ = false;
    self->ReplyIfReady();
  });
}

// Each partition gives what still fits; the first one that has anything gives at least a batch.
void FetchPoll::Gather() {
  uint64_t total = 0;
  for (Partition& partition : partitions_) {
    if (partition.log == nullptr) continue;
    LogSlice slice = std::exchange(partition.slice, LogSlice());
    if (total >= bytes_max_) continue;
    const uint64_t room = bytes_max_ - total;
    if (slice.length == 0 || slice.length > room) {
      absl::StatusOr<LogSlice> read =
          partition.log->Read(partition.offset, std::min(room, partition.bytes_max));
      partition.status = read.status();
      if (!read.ok()) continue;
      slice = *std::move(read);
    }
    if (total > 0 && slice.length > room) continue;
    total += slice.length;
    partition.slice = std::move(slice);
  }
}

void FetchPoll::Wait() {
  waiting_ = true;
  broker_.metrics().fetch_waiters.Add();
  for (uint32_t i = 0; i < partitions_.size(); ++i) {
    lane_.WaitForRecords(partitions_[i].log->id(), number_, shared_from_this(), i);
  }
  responder_.session().AddPoll(number_, shared_from_this());
  deadline_ = lane_.deadlines().Add(wait_until_, [self = shared_from_this()] { self->FinishNow(); });
}

void FetchPoll::StopWaiting() {
  if (!std::exchange(waiting_, false)) return;
  broker_.metrics().fetch_waiters.Sub();
  for (const Partition& partition : partitions_) lane_.ForgetRecords(partition.log->id(), number_);
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
  Gather();
  wire::ResponseHeader reply;
  wire::FetchResponse& body = *reply.mutable_fetch();
  ReplyBody bytes(!broker_.memory().replies_over());
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
