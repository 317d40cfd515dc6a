#pragma once

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/future.h"
#include "client/options.h"

namespace leat {

class ClientCore;

// One connection to a daemon and the thread that serves it (the io thread). Producers, consumers and admins
// made from one client share both; a long poll holds up nobody else. The client connects by itself, and again
// after the connection was lost, with back-off; requests wait for the connection until their own time is
// over.
//
// All calls from any thread. Futures complete, callbacks run and coroutines resume on the io thread: never
// block there (no Get, Wait, Flush or Poll with a timeout), or nothing moves any more.
class Client {
 public:
  // Starts the io thread and begins to connect, without waiting. Error: kInvalidRequest for unusable options.
  static absl::StatusOr<std::unique_ptr<Client>> Create(ClientOptions options);

  // Create, and waits for the first connection. When no address of the name can be reached, or the daemon
  // refuses Hello, it fails at once instead of trying on: kUnavailable (the message names address and
  // remedy), kUnsupportedVersion.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options);

  // Ends the connection and the io thread. What is still under way fails with kShuttingDown: close producers
  // and consumers first. They may outlive the client, every call to them then fails. Not on the io thread.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Completes when the connection stands, or when the attempt that is under way (or the next) has failed.
  Future<absl::Status> Ready();

  // True on the io thread of this client.
  bool OnIoThread() const;

  const ClientOptions& options() const;

  // What producers, consumers and admins are built on.
  const std::shared_ptr<ClientCore>& core() const { return core_; }

 private:
  explicit Client(std::shared_ptr<ClientCore> core);
  std::shared_ptr<ClientCore> core_;
};

}  // namespace leat
