#include "tools/cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace leat {

void Output::Flush() {
  absl::string_view rest = buffer_;
  while (!rest.empty() && !failed()) {
    const ssize_t put = write(fd_, rest.data(), rest.size());
    if (put >= 0) {
      rest.remove_prefix(static_cast<size_t>(put));
    } else if (errno == EAGAIN) {
      // Somebody else made the descriptor non-blocking; terminals are shared.
      pollfd wait = {fd_, POLLOUT, 0};
      poll(&wait, 1, -1);
    } else if (errno == EPIPE) {
      closed_ = true;
    } else if (errno != EINTR) {
      status_ = absl::UnknownError(absl::StrCat("cannot write the output: ", std::strerror(errno)));
    }
  }
  buffer_.clear();
}

bool Output::ReaderGone() {
  pollfd state = {fd_, 0, 0};
  if (poll(&state, 1, 0) > 0 && (state.revents & POLLERR) != 0) closed_ = true;
  return closed_;
}

}  // namespace leat
