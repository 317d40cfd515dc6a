#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "absl/types/span.h"

namespace leat {

// The bytes of a connection that were read and not yet consumed, in one piece of memory. Holds none before
// the first read and after Trim in an idle connection. Never grows ahead of what arrives: only a full buffer
// doubles, so a peer that announces a large frame and sends little costs little. Not thread-safe.
class ReceiveBuffer {
 public:
  ReceiveBuffer(size_t bytes_start, size_t bytes_max) : bytes_start_(bytes_start), bytes_max_(bytes_max) {}

  // Read and not consumed. Valid until the next Prepare or Trim.
  absl::Span<char> data() { return absl::MakeSpan(memory_.get() + begin_, end_ - begin_); }
  size_t size() const { return end_ - begin_; }
  size_t capacity() const { return capacity_; }

  // Space to read into, behind data(). Not more than what makes `wanted` bytes whole, so that the frame
  // behind a large one does not have to be moved; at least up to bytes_start. Empty when the buffer is full
  // at bytes_max or memory is short.
  absl::Span<char> Prepare(size_t wanted);

  // `bytes` of what Prepare gave have been filled.
  void Commit(size_t bytes);
  // The first `bytes` of data() are done with.
  void Consume(size_t bytes);

  // Gives back what was not needed since the call before: all memory if nothing was read and nothing is held.
  // True when something was read since, so that another call makes sense later.
  bool Trim();

 private:
  struct Free {
    void operator()(char* memory) const { std::free(memory); }
  };

  bool Resize(size_t capacity);

  const size_t bytes_start_;
  const size_t bytes_max_;
  std::unique_ptr<char, Free> memory_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t needed_ = 0;  // most bytes held at once since the last Trim
};

}  // namespace leat
