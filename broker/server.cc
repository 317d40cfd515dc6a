#include "broker/server.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/listen_address.h"
#include "broker/listener.h"
#include "broker/log.h"
#include "broker/network_thread.h"
#include "protocol/wire/tcp_transport.h"

namespace leat {
namespace {

// How long connections that were told to close may take.
constexpr absl::Duration kCloseTime = absl::Seconds(1);

TcpOptions TcpOptionsOf(const Config& config) {
  TcpOptions options;
  options.read_buffer_bytes_max =
      static_cast<size_t>(std::max(config.frame_bytes_max, config.hello_bytes_max)) +
      options.read_buffer_bytes;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ServerOptions options) {
  const Config config = options.config;
  // A wrong address is found before anything is touched.
  const auto endpoints = ResolveListenAddress(config.listen, config.insecure);
  if (!endpoints.ok()) return endpoints.status();

  std::unique_ptr<Server> server(new Server);
  server->runtime_ = NewThreadRuntime();
  BrokerOptions broker_options;
  broker_options.config = config;
  broker_options.file_system = &PosixFileSystem();
  broker_options.runtime = server->runtime_.get();
  broker_options.on_storage_failure = std::move(options.on_storage_failure);
  absl::StatusOr<std::unique_ptr<Broker>> broker = Broker::Open(std::move(broker_options));
  if (!broker.ok()) return broker.status();
  server->broker_ = *std::move(broker);

  for (int64_t i = 0; i < config.network_threads; ++i) {
    server->threads_.push_back(std::make_unique<NetworkThread>(absl::StrCat("net-", i)));
    server->lanes_.push_back(&server->broker_->AddLane(server->threads_.back()->executor()));
  }
  const auto on_socket = [self = server.get(), tcp = TcpOptionsOf(config)](size_t thread,
                                                                           asio::ip::tcp::socket socket) {
    Lane& lane = *self->lanes_[thread];
    // Made there, because everything of a transport happens on its own thread.
    lane.executor().Post([self, &lane, tcp, socket = std::move(socket)]() mutable {
      self->broker_->Accept(lane, NewTcpTransport(std::move(socket), tcp));
    });
  };
  absl::StatusOr<std::unique_ptr<Listener>> listener =
      Listener::Open(*endpoints, server->threads_, server->broker_->metrics(), on_socket);
  if (!listener.ok()) {
    if (absl::Status closed = server->broker_->Close(); !closed.ok()) Log(LogLevel::kError, closed.message());
    return listener.status();
  }
  server->listener_ = *std::move(listener);
  server->listener_->Start();
  return server;
}

Server::~Server() {
  if (listener_ != nullptr) listener_->Stop();
  Shutdown();
}

const std::string& Server::address() const { return listener_->address(); }
uint16_t Server::port() const { return listener_->port(); }
const RecoveryReport& Server::recovery() { return broker_->store().recovery(); }

absl::Status Server::Stop(absl::Duration deadline) {
  listener_->Stop();
  broker_->BeginDrain();
  if (!broker_->WaitForConnections(deadline)) {
    Log(LogLevel::kWarn,
        absl::StrCat("closing ", broker_->metrics().connections_open.value(),
                     " connections that were not done within ", absl::FormatDuration(deadline)));
  }
  broker_->CloseConnections();
  broker_->WaitForConnections(kCloseTime);
  broker_->StopWorkers();
  absl::Status status = broker_->Close();
  Shutdown();
  return status;
}

// Everything that holds a log goes before the store, and sessions go before the io_contexts of their sockets.
void Server::Shutdown() {
  if (broker_ != nullptr) broker_->StopWorkers();
  for (const std::unique_ptr<NetworkThread>& thread : threads_) thread->Stop();
  if (broker_ != nullptr) broker_->CloseLanes();
  listener_.reset();
  threads_.clear();
  broker_.reset();
}

}  // namespace leat
