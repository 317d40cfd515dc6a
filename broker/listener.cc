#include "broker/listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "asio/co_spawn.hpp"
#include "asio/detached.hpp"
#include "asio/ip/v6_only.hpp"
#include "asio/redirect_error.hpp"
#include "asio/steady_timer.hpp"
#include "asio/use_awaitable.hpp"
#include "broker/listen_address.h"
#include "broker/log.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

using asio::ip::tcp;

constexpr int kBacklog = 4096;
constexpr std::chrono::milliseconds kBackOff(50);

bool OutOfDescriptors(const std::error_code& error) {
  return error == std::errc::too_many_files_open || error == std::errc::too_many_files_open_in_system;
}

int OpenReserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

}  // namespace

Listener::Listener(const std::vector<std::unique_ptr<NetworkThread>>& threads, Metrics& metrics,
                   OnSocket on_socket)
    : threads_(threads), metrics_(metrics), on_socket_(std::move(on_socket)), reserve_fd_(OpenReserve()) {}

Listener::~Listener() {
  if (reserve_fd_ >= 0) ::close(reserve_fd_);
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(
    const std::vector<tcp::endpoint>& endpoints, const std::vector<std::unique_ptr<NetworkThread>>& threads,
    Metrics& metrics, OnSocket on_socket) {
  std::unique_ptr<Listener> listener(new Listener(threads, metrics, std::move(on_socket)));
  absl::Status last_error = MakeError(ErrorCode::kUnavailable, "no address to listen on");
  for (const tcp::endpoint& endpoint : endpoints) {
    absl::Status status = listener->Bind(endpoint);
    if (status.ok()) continue;
    if (endpoints.size() > 1) Log(LogLevel::kWarn, status.message());
    last_error = std::move(status);
  }
  if (listener->acceptors_.empty()) return last_error;
  return listener;
}

absl::Status Listener::Bind(tcp::endpoint endpoint) {
  if (endpoint.port() == 0 && port_ != 0) endpoint.port(port_);
  auto acceptor = std::make_unique<Acceptor>(threads_[0]->io());
  std::error_code error;
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  // The unspecified IPv6 address serves IPv4 too, as people expect of it.
  if (!error && endpoint.address().is_v6()) {
    acceptor->set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
  }
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(kBacklog, error);
  tcp::endpoint bound;
  if (!error) bound = acceptor->local_endpoint(error);
  if (error) {
    return MakeError(ErrorCode::kUnavailable,
                     absl::StrCat("cannot listen on ", EndpointText(endpoint), ": ", error.message(),
                                  error == std::errc::address_in_use
                                      ? "; stop the program that uses it or choose another port with --listen"
                                      : ""));
  }
  if (acceptors_.empty()) {
    port_ = bound.port();
    address_ = EndpointText(bound);
  }
  acceptors_.push_back(std::move(acceptor));
  return absl::OkStatus();
}

void Listener::Start() {
  for (const std::unique_ptr<Acceptor>& acceptor : acceptors_) {
    asio::co_spawn(threads_[0]->io(), AcceptLoop(acceptor.get()), asio::detached);
  }
}

void Listener::Stop() {
  std::promise<void> stopped;
  threads_[0]->executor().Post([this, &stopped] {
    for (const std::unique_ptr<Acceptor>& acceptor : acceptors_) {
      std::error_code ignored;
      acceptor->close(ignored);
    }
    stopped.set_value();
  });
  stopped.get_future().wait();
}

asio::awaitable<void> Listener::AcceptLoop(Acceptor* acceptor) {
  while (acceptor->is_open()) {
    const size_t thread = next_thread_++ % threads_.size();
    std::error_code error;
    tcp::socket socket = co_await acceptor->async_accept(threads_[thread]->io(),
                                                         asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      on_socket_(thread, std::move(socket));
    } else if (acceptor->is_open()) {
      co_await AfterError(acceptor, error);
    }
  }
}

// A peer that gave up before it was accepted is its own business; anything else may last, so wait a little.
asio::awaitable<void> Listener::AfterError(Acceptor* acceptor, std::error_code error) {
  metrics_.accept_errors.Add();
  if (error == std::errc::connection_aborted) co_return;
  if (OutOfDescriptors(error)) ShedOne(*acceptor);
  asio::steady_timer timer(acceptor->get_executor(), kBackOff);
  std::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void Listener::ShedOne(Acceptor& acceptor) {
  if (reserve_fd_ >= 0) ::close(reserve_fd_);
  const int fd = ::accept4(acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) {
    ::close(fd);
    metrics_.connections_refused.Add();
  }
  reserve_fd_ = OpenReserve();
}

}  // namespace leat
