#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "protocol/wire/leat.pb.h"
#include "protocol/wire/transport.h"

namespace leat {

class Broker;
class Lane;
class Session;

// Raw bytes that follow a reply's header: first `body`, then the ranges.
struct ReplyPayload {
  std::string body;
  std::vector<SourceRange> ranges;

  uint64_t bytes() const {
    uint64_t total = body.size();
    for (const SourceRange& range : ranges) total += range.length;
    return total;
  }
};

// The duty to answer one request. Keeps its session alive and its bytes accounted for until Send, Fail or
// Forget, of which the first counts; going out of scope is Forget. Those three only on the lane's executor;
// it may be moved and destroyed anywhere.
class Responder {
 public:
  struct Tag {
    uint64_t correlation_id = 0;
    wire::RequestHeader::RequestCase kind = wire::RequestHeader::REQUEST_NOT_SET;
    size_t bytes = 0;        // what the request counts for while it is in flight
    absl::Duration started;  // monotonic time at which it was read
  };

  Responder(std::shared_ptr<Session> session, const Tag& tag);
  Responder(Responder&& other) noexcept = default;
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  Session& session() const { return *session_; }
  Broker& broker() const;
  Lane& lane() const;
  absl::Duration started() const { return tag_.started; }
  bool answered() const { return session_ == nullptr; }

  // From now on nothing is sent, neither replies nor errors (ACK_NONE).
  void Silence() { silent_ = true; }

  // Fills in the correlation id and sends.
  void Send(wire::ResponseHeader& header, ReplyPayload payload = {});
  void Fail(const absl::Status& status);
  void Forget();

 private:
  std::shared_ptr<Session> session_;  // null once answered
  Tag tag_;
  bool silent_ = false;
};

}  // namespace leat
