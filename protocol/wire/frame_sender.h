#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "protocol/wire/transport.h"

namespace leat {

// The sending side of a socket: frames in order, heads and bodies of many in one gathered write, file ranges
// by sendfile(2). Only system calls on a non-blocking descriptor; waiting is the caller's. Not thread-safe.
class FrameSender {
 public:
  enum class Progress {
    kDrained,  // nothing is left to send
    kBlocked,  // the socket is full: wait until it can be written to
    kYield,    // the turn's share is used up: let others run, then go on
    kFailed,   // status() says why; the connection cannot go on
  };

  FrameSender() = default;
  FrameSender(const FrameSender&) = delete;
  FrameSender& operator=(const FrameSender&) = delete;
  // Releases what is still queued.
  ~FrameSender() { ReleaseAll(); }

  void Add(OutFrame frame);

  // Sends as much as `socket` takes, at most about kTurnBytes.
  Progress Turn(int socket);

  // Calls on_released of the frames that are done. Apart from Turn, because a callback may queue more or
  // close the socket.
  void RunReleased();

  // Forgets all queued frames and calls on_released of them and of those that are done.
  void ReleaseAll();

  bool empty() const { return frames_.empty(); }
  size_t queued_bytes() const { return queued_bytes_; }
  const absl::Status& status() const { return status_; }

  static constexpr size_t kTurnBytes = 512 * 1024;
  static constexpr size_t kCopyBytes = 256 * 1024;  // buffer for ranges without a descriptor

 private:
  using Released = absl::AnyInvocable<void() &&>;
  enum class Step { kSent, kBlocked, kFailed };
  struct Queued {
    OutFrame frame;
    uint64_t total_bytes;
  };

  Step SendMemory(int socket);
  Step SendRange(int socket, size_t bytes_max);
  Step SendFile(int socket, const SourceRange& range, uint64_t range_sent, size_t bytes_max);
  Step SendCopied(int socket, const SourceRange& range, uint64_t range_sent);
  // Looks at the errno of a failed write.
  Step AfterError(const char* call);
  Step Fail(absl::Status status);
  // `bytes` more have been sent: drops the frames that are done.
  void Advance(size_t bytes);

  std::deque<Queued> frames_;
  std::vector<Released> released_;  // of frames that are done, not yet called
  size_t queued_bytes_ = 0;
  size_t step_bytes_ = 0;  // sent by the step before
  uint64_t sent_ = 0;      // bytes of frames_.front() that are sent
  // The range of frames_.front() that is sent next, and the bytes of the frame before it.
  size_t range_index_ = 0;
  uint64_t range_begin_ = 0;
  // What was read of that range and not yet sent; exists only while such ranges are being sent.
  std::unique_ptr<char[]> copy_;
  size_t copy_begin_ = 0;
  size_t copy_end_ = 0;
  absl::Status status_;
};

}  // namespace leat
