#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

// The seam to the network (design D8): one ordered stream of bytes in each direction. tcp_transport.h is the
// real one; tests use a loopback that splits, delays and cuts.

namespace leat {

// Bytes that can be read at a position, for payloads that are sent from where they lie.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // A descriptor for sendfile(2), or -1. Stays open while this object lives.
  virtual int NativeHandle() const = 0;
  // True when the bytes lie in memory until they are sent.
  virtual bool InMemory() const { return false; }
  // Fills `out` from `offset`, or fails: the caller knows that the bytes are there.
  virtual absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const = 0;
};

struct SourceRange {
  std::shared_ptr<const ByteSource> source;
  uint64_t offset = 0;
  uint64_t length = 0;
};

// What is sent as one piece: `head`, then `body`, then the ranges, in order.
struct OutFrame {
  std::string head;
  std::string body;
  std::vector<SourceRange> ranges;
  // Called when the last byte has been handed to the network, or when the connection ended before that.
  // Releases what was reserved for the frame.
  absl::AnyInvocable<void() &&> on_released;

  size_t total_bytes() const {
    size_t total = head.size() + body.size();
    for (const SourceRange& range : ranges) total += range.length;
    return total;
  }
  // What is held in memory until it is sent.
  size_t memory_bytes() const {
    size_t total = head.size() + body.size();
    for (const SourceRange& range : ranges) total += range.source->InMemory() ? range.length : 0;
    return total;
  }
};

// One connection. All calls and callbacks on the connection's own thread.
class Transport {
 public:
  struct ReadResult {
    size_t consumed = 0;  // bytes of `data` that are done with
    size_t wanted = 0;    // call again only when this many bytes are at hand (0: whatever comes)
  };

  class Handler {
   public:
    virtual ~Handler() = default;
    // `data` is everything read and not yet consumed, in a buffer that may be written to and that stays valid
    // until this call returns. After Close or SetReading(false) inside the call, no further call follows.
    virtual ReadResult OnData(absl::Span<char> data) = 0;
    // The connection has ended: by the peer (OK; kInvalidRequest when unconsumed bytes were left, a frame
    // that was cut), by Close (its reason) or by an error. Called once, last.
    virtual void OnClosed(const absl::Status& reason) = 0;
  };

  virtual ~Transport() = default;

  // Begins to read. `handler` outlives the call of its OnClosed.
  virtual void Start(Handler* handler) = 0;

  // Queues a frame behind those before it. After the end of the connection only releases it.
  virtual void Send(OutFrame frame) = 0;

  // Stops and resumes reading; while stopped the peer is held up by TCP itself. Unconsumed bytes are offered
  // again on resuming.
  virtual void SetReading(bool on) = 0;

  // Bytes handed to Send and not yet handed to the network.
  virtual size_t queued_bytes() const = 0;
  // Bytes that the receive buffer holds allocated.
  virtual size_t buffer_bytes() const = 0;

  // Ends the connection; with `flush` after what is queued has been sent (or the peer has not taken it within
  // the transport's deadline). OnClosed follows, never inside this call.
  virtual void Close(absl::Status reason, bool flush) = 0;

  // "127.0.0.1:51234", for logs.
  virtual const std::string& peer() const = 0;
};

}  // namespace leat
