#include "bench/load/socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

absl::Status SystemError(absl::string_view what) {
  return MakeError(ErrorCode::kUnavailable, absl::StrCat(what, ": ", std::strerror(errno)));
}

void SetOptions(int fd, int timeout_s) {
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  timeval timeout{};
  timeout.tv_sec = timeout_s;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Socket::~Socket() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<Socket> Socket::Connect(const std::string& host, uint16_t port, int timeout_s) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string service = absl::StrCat(port);
  if (const int error = getaddrinfo(host.c_str(), service.c_str(), &hints, &found); error != 0) {
    return MakeError(ErrorCode::kUnavailable,
                     absl::StrCat("cannot resolve ", host, ": ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> guard(found, freeaddrinfo);
  absl::Status last = MakeError(ErrorCode::kUnavailable, absl::StrCat("no address for ", host));
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    Socket socket(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket.fd() >= 0 && connect(socket.fd(), address->ai_addr, address->ai_addrlen) == 0) {
      SetOptions(socket.fd(), timeout_s);
      return socket;
    }
    last = SystemError(absl::StrCat("cannot connect to ", host, ":", port));
  }
  return last;
}

absl::Status Socket::SendAll(absl::Span<const absl::string_view> parts) {
  std::array<iovec, 16> pieces{};
  size_t count = 0;
  for (const absl::string_view part : parts.subspan(0, pieces.size())) {
    pieces[count++] = {const_cast<char*>(part.data()), part.size()};
  }
  iovec* next = pieces.data();
  while (count > 0) {
    msghdr message{};
    message.msg_iov = next;
    message.msg_iovlen = count;
    ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return SystemError("send");
    while (count > 0 && static_cast<size_t>(sent) >= next->iov_len) {
      sent -= static_cast<ssize_t>(next->iov_len);
      ++next;
      --count;
    }
    if (count > 0) {
      next->iov_base = static_cast<char*>(next->iov_base) + sent;
      next->iov_len -= static_cast<size_t>(sent);
    }
  }
  return parts.size() > pieces.size() ? SendAll(parts.subspan(pieces.size())) : absl::OkStatus();
}

void Socket::FinishSending() {
  shutdown(fd_, SHUT_WR);
  pollfd closed = {.fd = fd_, .events = POLLRDHUP, .revents = 0};
  poll(&closed, 1, 1000);
}

absl::StatusOr<size_t> Socket::ReceiveSome(absl::Span<char> out) {
  while (true) {
    const ssize_t got = recv(fd_, out.data(), out.size(), 0);
    if (got > 0) return static_cast<size_t>(got);
    if (got == 0) return MakeError(ErrorCode::kUnavailable, "the peer closed the connection");
    if (errno != EINTR) return SystemError("receive");
  }
}

absl::Status Socket::ReceiveAll(absl::Span<char> out) {
  while (!out.empty()) {
    const absl::StatusOr<size_t> got = ReceiveSome(out);
    if (!got.ok()) return got.status();
    out.remove_prefix(*got);
  }
  return absl::OkStatus();
}

absl::StatusOr<ListeningSocket> ListeningSocket::Open(uint16_t port) {
  ListeningSocket listener;
  listener.socket_ = Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  setsockopt(listener.socket_.fd(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof(address);
  if (bind(listener.socket_.fd(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener.socket_.fd(), 128) != 0 ||
      getsockname(listener.socket_.fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return SystemError("listen");
  }
  listener.port_ = ntohs(address.sin_port);
  return listener;
}

absl::StatusOr<Socket> ListeningSocket::Accept() {
  while (true) {
    const int fd = accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      SetOptions(fd, 300);
      return Socket(fd);
    }
    if (errno != EINTR) return SystemError("accept");
  }
}

void ListeningSocket::Shutdown() { shutdown(socket_.fd(), SHUT_RDWR); }

}  // namespace leat
