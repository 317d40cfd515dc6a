#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "absl/types/span.h"

namespace leat {

// The bytes of a connection that were read and not yet consumed, in one piece of memory. Holds none before
// the first read and after Trim in an idle connection; begins small, because most connections say little, and
// becomes `bytes_usual` as soon as that was not enough. Beyond it only a buffer full of unconsumed bytes
// doubles, so a peer that announces a large frame and sends little costs little. Not thread-safe.
class ReceiveBuffer {
 public:
  ReceiveBuffer(size_t bytes_usual, size_t bytes_max) : bytes_usual_(bytes_usual), bytes_max_(bytes_max) {}

  // Read and not consumed. Valid until the next Prepare or Trim.
  absl::Span<char> data() { return absl::MakeSpan(memory_.get() + begin_, end_ - begin_); }
  size_t size() const { return end_ - begin_; }
  size_t capacity() const { return capacity_; }

  // Space to read into, behind data(). Not more than what makes `wanted` bytes whole, so that the frame
  // behind a large one does not have to be moved; at least up to bytes_usual. Empty when the buffer is full
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

  static constexpr size_t kBytesFirst = 1024;

  bool Resize(size_t capacity);
  // The next size after `capacity`.
  size_t Larger(size_t capacity) const;

  const size_t bytes_usual_;
  const size_t bytes_max_;
  std::unique_ptr<char, Free> memory_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t offered_ = 0;   // by the last Prepare
  bool hungry_ = false;  // the last read filled all that was offered
  size_t needed_ = 0;    // most bytes held at once since the last Trim
};

}  // namespace leat
