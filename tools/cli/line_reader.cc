#include "tools/cli/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace leat {
namespace {

constexpr size_t kPieceBytes = 256 * 1024;

}  // namespace

LineReader::LineReader(int fd, std::string name, size_t line_bytes_max, int interrupt_fd)
    : fd_(fd), name_(std::move(name)), line_bytes_max_(line_bytes_max), interrupt_fd_(interrupt_fd) {}

bool LineReader::WouldRead() const {
  return !at_end_ && (scanned_ >= buffer_.size() ||
                      std::memchr(buffer_.data() + scanned_, '\n', buffer_.size() - scanned_) == nullptr);
}

bool LineReader::WaitForInput() const {
  pollfd waits[] = {{fd_, POLLIN, 0}, {interrupt_fd_, POLLIN, 0}};
  while (poll(waits, std::size(waits), -1) < 0 && errno == EINTR) {
  }
  return waits[1].revents == 0;
}

bool LineReader::InterruptedMeanwhile() const {
  pollfd wait = {interrupt_fd_, POLLIN, 0};
  return poll(&wait, 1, 0) > 0;
}

void LineReader::EndInterrupted() {
  buffer_.clear();  // half a line is no record
  begin_ = scanned_ = 0;
  at_end_ = true;
}

absl::Status LineReader::Fill() {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  if (!WaitForInput()) {
    EndInterrupted();
    return absl::OkStatus();
  }
  const size_t had = buffer_.size();
  // Grows with the line, so that a long one is not moved once per piece.
  const size_t room = std::max(kPieceBytes, std::min(had, line_bytes_max_));
  buffer_.resize(had + room);
  ssize_t got = 0;
  do {
    got = read(fd_, buffer_.data() + had, room);
  } while (got < 0 && errno == EINTR);
  buffer_.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) {
    return absl::UnknownError(absl::StrCat("cannot read ", name_, ": ", std::strerror(errno)));
  }
  if (got > 0) return absl::OkStatus();
  at_end_ = true;
  // The signal that ended the program on the other side in the middle of a line comes to this one, too.
  if (InterruptedMeanwhile()) EndInterrupted();
  return absl::OkStatus();
}

absl::Status LineReader::Next(absl::string_view* line, bool* more) {
  while (true) {
    const void* found = scanned_ < buffer_.size()
                            ? std::memchr(buffer_.data() + scanned_, '\n', buffer_.size() - scanned_)
                            : nullptr;
    const size_t end = found != nullptr
                           ? static_cast<size_t>(static_cast<const char*>(found) - buffer_.data())
                           : buffer_.size();
    if (end - begin_ > line_bytes_max_) {
      return absl::ResourceExhaustedError(
          absl::StrCat(name_, ":", lines_ + 1, ": the line is longer than ", line_bytes_max_, " bytes"));
    }
    scanned_ = end;
    if (found == nullptr && !at_end_) {
      absl::Status status = Fill();
      if (!status.ok()) return status;
      continue;
    }
    *more = found != nullptr || end > begin_;
    *line = absl::string_view(buffer_.data() + begin_, end - begin_);
    if (*more) ++lines_;
    begin_ = scanned_ = found != nullptr ? end + 1 : end;
    return absl::OkStatus();
  }
}

}  // namespace leat
