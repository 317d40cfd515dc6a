#include "protocol/wire/frame_sender.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

constexpr size_t kIovecsMax = 64;

size_t MemoryBytes(const OutFrame& frame) { return frame.head.size() + frame.body.size(); }

// sendfile(2) has no MSG_NOSIGNAL: without this a peer that went away would end the process.
void BlockSigpipeInThisThread() {
  thread_local const bool blocked = [] {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    return pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0;
  }();
  static_cast<void>(blocked);
}

}  // namespace

void FrameSender::Add(OutFrame frame) {
  const uint64_t total = frame.total_bytes();
  queued_bytes_ += total;
  frames_.push_back(Queued{std::move(frame), total});
}

FrameSender::Progress FrameSender::Turn(int socket) {
  size_t turn_bytes = 0;
  Advance(0);
  while (!frames_.empty()) {
    if (turn_bytes >= kTurnBytes) return Progress::kYield;
    const Step step = sent_ < MemoryBytes(frames_.front().frame) ? SendMemory(socket)
                                                                 : SendRange(socket, kTurnBytes - turn_bytes);
    if (step == Step::kFailed) return Progress::kFailed;
    if (step == Step::kBlocked) return Progress::kBlocked;
    turn_bytes += std::exchange(step_bytes_, 0);
  }
  copy_.reset();
  return Progress::kDrained;
}

FrameSender::Step FrameSender::SendMemory(int socket) {
  iovec pieces[kIovecsMax];
  size_t count = 0;
  size_t skip = sent_;
  const auto add = [&](std::string& bytes) {
    const size_t skipped = std::min(skip, bytes.size());
    skip -= skipped;
    if (skipped < bytes.size()) pieces[count++] = {&bytes[skipped], bytes.size() - skipped};
  };
  bool more_follows = false;
  for (auto it = frames_.begin(); it != frames_.end() && count + 2 <= kIovecsMax && !more_follows; ++it) {
    add(it->frame.head);
    add(it->frame.body);
    more_follows = !it->frame.ranges.empty();
  }
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | (more_follows ? MSG_MORE : 0));
  if (sent < 0) return AfterError("sendmsg");
  Advance(static_cast<size_t>(sent));
  return Step::kSent;
}

FrameSender::Step FrameSender::SendRange(int socket, size_t bytes_max) {
  const OutFrame& frame = frames_.front().frame;
  if (range_begin_ == 0) range_begin_ = MemoryBytes(frame);
  while (sent_ - range_begin_ >= frame.ranges[range_index_].length) {
    range_begin_ += frame.ranges[range_index_++].length;
  }
  const SourceRange& range = frame.ranges[range_index_];
  const uint64_t range_sent = sent_ - range_begin_;
  if (range.source->NativeHandle() >= 0) return SendFile(socket, range, range_sent, bytes_max);
  return SendCopied(socket, range, range_sent);
}

FrameSender::Step FrameSender::SendFile(int socket, const SourceRange& range, uint64_t range_sent,
                                        size_t bytes_max) {
  BlockSigpipeInThisThread();
  auto position = static_cast<off_t>(range.offset + range_sent);
  const uint64_t left = range.length - range_sent;
  const ssize_t sent = ::sendfile(socket, range.source->NativeHandle(), &position,
                                  static_cast<size_t>(std::min<uint64_t>(left, bytes_max)));
  if (sent < 0) return AfterError("sendfile");
  if (sent == 0) {
    return Fail(MakeError(ErrorCode::kStorageError,
                          absl::StrCat("a file ended ", left, " bytes before the range to be sent did")));
  }
  Advance(static_cast<size_t>(sent));
  return Step::kSent;
}

FrameSender::Step FrameSender::SendCopied(int socket, const SourceRange& range, uint64_t range_sent) {
  if (copy_begin_ == copy_end_) {
    if (copy_ == nullptr) copy_ = std::make_unique<char[]>(kCopyBytes);
    const auto bytes = static_cast<size_t>(std::min<uint64_t>(range.length - range_sent, kCopyBytes));
    const absl::Status read =
        range.source->ReadAt(range.offset + range_sent, absl::MakeSpan(copy_.get(), bytes));
    if (!read.ok()) return Fail(read);
    copy_begin_ = 0;
    copy_end_ = bytes;
  }
  const ssize_t sent = ::send(socket, copy_.get() + copy_begin_, copy_end_ - copy_begin_, MSG_NOSIGNAL);
  if (sent < 0) return AfterError("send");
  copy_begin_ += static_cast<size_t>(sent);
  Advance(static_cast<size_t>(sent));
  return Step::kSent;
}

FrameSender::Step FrameSender::AfterError(const char* call) {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return Step::kBlocked;
  if (errno == EINTR) return Step::kSent;
  const bool peer_gone = errno == EPIPE || errno == ECONNRESET || errno == ETIMEDOUT || errno == ENOTCONN;
  return Fail(MakeError(peer_gone ? ErrorCode::kUnavailable : ErrorCode::kStorageError,
                        absl::StrCat("sending failed: ", call, ": ", std::system_category().message(errno))));
}

FrameSender::Step FrameSender::Fail(absl::Status status) {
  status_ = std::move(status);
  return Step::kFailed;
}

void FrameSender::Advance(size_t bytes) {
  queued_bytes_ -= bytes;
  sent_ += bytes;
  step_bytes_ = bytes;
  while (!frames_.empty() && sent_ >= frames_.front().total_bytes) {
    sent_ -= frames_.front().total_bytes;
    range_index_ = 0;
    range_begin_ = 0;
    if (frames_.front().frame.on_released) released_.push_back(std::move(frames_.front().frame.on_released));
    frames_.pop_front();
  }
}

void FrameSender::RunReleased() {
  // A callback may come back here or end the connection.
  std::vector<Released> released = std::exchange(released_, {});
  for (Released& callback : released) std::move(callback)();
}

void FrameSender::ReleaseAll() {
  for (Queued& queued : frames_) {
    if (queued.frame.on_released) released_.push_back(std::move(queued.frame.on_released));
  }
  frames_.clear();
  queued_bytes_ = 0;
  sent_ = 0;
  range_index_ = 0;
  range_begin_ = 0;
  copy_.reset();
  copy_begin_ = copy_end_ = 0;
  RunReleased();
}

}  // namespace leat
