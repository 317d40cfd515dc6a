#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "broker/close_reason.h"
#include "broker/deadlines.h"
#include "broker/responder.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/transport.h"

namespace leat {

// A request of a session that waits for something that may never come.
class LongPoll {
 public:
  virtual ~LongPoll() = default;
  // Answer with what there is: the broker is stopping.
  virtual void FinishNow() = 0;
  // The connection is gone: nothing to answer any more.
  virtual void Abandon() = 0;
};

// One connection: takes frames apart, keeps the limits, hands requests to their handlers and replies to the
// transport. Everything on the executor of its lane.
class Session final : public Transport::Handler, public std::enable_shared_from_this<Session> {
 public:
  // Why the session does not read from its transport.
  enum Pause : unsigned {
    kHandler = 1,          // a handler asked for it, to keep the order
    kConnectionLimit = 2,  // connection_bytes_in_flight_max
    kSendQueue = 4,        // send_queue_bytes_max
    kMemory = 8,           // memory_bytes_max
  };

  Session(Broker& broker, Lane& lane, std::shared_ptr<Transport> transport);

  // Registers with the lane and begins to read.
  void Start();
  // Sends the error of a connection that cannot be served and closes it; without the error when many such
  // connections linger already.
  void Refuse(const absl::Status& status);
  // Answers what is in flight, then closes; new requests get kShuttingDown.
  void BeginDrain();
  void CloseNow(const absl::Status& reason);
  // Forgets its requests when nothing will run any more; see Lane::Close.
  void LetGo();

  Transport::ReadResult OnData(absl::Span<char> data) override;
  void OnClosed(const absl::Status& reason) override;

  // For handlers and responders.
  Broker& broker() { return broker_; }
  Lane& lane() { return lane_; }
  bool closed() const { return closed_; }
  bool ready() const { return ready_; }
  void SetReady(std::string client);
  void SetHandlerPause(bool paused);
  void SendReply(wire::ResponseHeader& header, ReplyPayload payload);
  void SendError(uint64_t correlation_id, const absl::Status& status);
  void Finish(const Responder::Tag& tag);
  void Close(CloseReason reason, const absl::Status& status);

  // False while too much waits to be sent; then `task` runs when there is room again, unless the session
  // ends.
  bool HasSendRoom() const;
  void WhenSendRoom(absl::AnyInvocable<void() &&> task) { waiting_for_room_.push_back(std::move(task)); }

  // Polls are known by a number of the lane.
  void AddPoll(uint64_t number, std::shared_ptr<LongPoll> poll);
  void RemovePoll(uint64_t number) { polls_.erase(number); }

 private:
  void HandleFrame(const DecodedFrame& decoded);
  void BadFrame(const absl::Status& status);
  absl::Status Explain(const absl::Status& status, absl::string_view bytes) const;
  void Dispatch(const wire::RequestHeader& header, const DecodedFrame& decoded);
  size_t NextWanted(size_t frame_bytes, size_t at_hand) const;
  void NotePartialFrame(bool partial, bool is_new);

  void SetPause(Pause why, bool on);
  void CheckLimits();
  void CheckMemory();
  void OnMemoryWake(bool with_pass);
  void ReturnPass();
  void UpdateCharge();
  void OnReleased(size_t memory_bytes);
  void RunWaitingForRoom();

  void WatchSending();
  absl::Duration NextDeadline() const;
  void ArmDeadline();
  void OnDeadline();
  bool IsIdle() const;

  Broker& broker_;
  Lane& lane_;
  const std::shared_ptr<Transport> transport_;
  uint64_t number_ = 0;  // in the lane
  std::string client_;   // as it called itself

  bool ready_ = false;  // Hello was answered
  bool refused_ = false;
  bool draining_ = false;
  bool closing_ = false;
  bool closed_ = false;
  CloseReason close_reason_ = CloseReason::kPeer;

  unsigned pauses_ = 0;
  size_t requests_in_flight_ = 0;
  size_t request_bytes_ = 0;       // of requests in flight
  size_t reply_memory_bytes_ = 0;  // of replies queued in memory
  size_t frame_bytes_ = 0;         // of a frame that is not complete
  int64_t charged_ = 0;            // in the memory budget
  int64_t charged_replies_ = 0;    // of it
  bool has_pass_ = false;
  uint64_t memory_ticket_ = 0;

  uint64_t queued_total_ = 0;                               // bytes ever handed to the transport
  uint64_t sent_seen_ = 0;                                  // bytes that had left when last looked
  absl::Duration sent_seen_at_ = absl::InfiniteDuration();  // infinite while nothing is queued
  absl::Duration started_at_;
  absl::Duration active_at_;
  absl::Duration frame_started_at_ = absl::InfiniteDuration();  // infinite while no frame is partly there
  Deadlines::Id deadline_{absl::InfiniteDuration(), 0};

  std::map<uint64_t, std::shared_ptr<LongPoll>> polls_;
  std::deque<absl::AnyInvocable<void() &&>> waiting_for_room_;
};

}  // namespace leat
