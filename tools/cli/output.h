#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace leat {

// Buffered writing to a descriptor, normally standard output. Once a write has failed the rest is dropped and
// status() tells; nobody has to look after each write. One thread.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // The buffer to append to; call MayFlush afterwards.
  std::string* buffer() { return &buffer_; }
  void Write(absl::string_view text) {
    buffer_.append(text.data(), text.size());
    MayFlush();
  }
  // Writes out when enough has gathered.
  void MayFlush() {
    if (buffer_.size() >= kFlushBytes) Flush();
  }
  void Flush();

  // The reader of a pipe went away (`head`): not an error, the command ends quietly.
  bool closed() const { return closed_; }
  // Why nothing more can be written ("cannot write: No space left on device"). OK when only closed().
  const absl::Status& status() const { return status_; }
  // Asks the system whether anybody still reads; sets closed(). For waits in which nothing is written.
  bool ReaderGone();
  bool failed() const { return closed_ || !status_.ok(); }

 private:
  static constexpr size_t kFlushBytes = 64 * 1024;

  int fd_;
  std::string buffer_;
  bool closed_ = false;
  absl::Status status_;
};

}  // namespace leat
