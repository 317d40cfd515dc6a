#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "storage/env/file_system.h"

// Pieces of the posix FileSystem; only posix_file*.cc include this.

namespace leat {

// Repeats a system call that a signal interrupted. `call` returns -1 and sets errno on an error.
template <typename Call>
auto RetryInterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

// Owns a descriptor.
class UniqueFd {
 public:
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&&) = delete;
  ~UniqueFd();
  int get() const { return fd_; }

 private:
  int fd_;
};

// open(2) with O_CLOEXEC and mode 0600. Never gives descriptors 0 to 2, which a stray print could write to.
absl::StatusOr<UniqueFd> OpenFd(const std::string& path, int flags);

std::unique_ptr<File> NewPosixFile(UniqueFd fd, std::string path);
std::unique_ptr<Directory> NewPosixDirectory(UniqueFd fd, std::string path);

}  // namespace leat
