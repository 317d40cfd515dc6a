#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace leat {

// Reads lines from a descriptor in large pieces: any bytes but '\n' belong to a line, the last line needs no
// '\n', and memory never exceeds the longest line allowed plus one piece. One thread.
class LineReader {
 public:
  // When `interrupt_fd` becomes readable the input ends after the last whole line (-1: never). `name` is for
  // errors. Owns neither descriptor.
  LineReader(int fd, std::string name, size_t line_bytes_max, int interrupt_fd);

  // The next line without its '\n', valid until the next call; false in `*more` after the last one. Errors:
  // the line is longer than allowed (says which line), or reading failed.
  absl::Status Next(absl::string_view* line, bool* more);

  // True when no whole line is waiting in memory: the next call may block.
  bool WouldRead() const;

  uint64_t lines() const { return lines_; }

 private:
  // Blocks until there is something to read; false when interrupted.
  bool WaitForInput() const;
  bool InterruptedMeanwhile() const;
  void EndInterrupted();
  absl::Status Fill();

  int fd_;
  std::string name_;
  size_t line_bytes_max_;
  int interrupt_fd_;
  std::string buffer_;
  size_t begin_ = 0;    // of what has not been handed out
  size_t scanned_ = 0;  // no '\n' lies in [begin_, scanned_)
  uint64_t lines_ = 0;
  bool at_end_ = false;
};

}  // namespace leat
