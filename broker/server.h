#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/broker.h"
#include "broker/config.h"

namespace leat {

class Listener;
class NetworkThread;

struct ServerOptions {
  Config config;  // data_dir must be set; CheckConfig must accept it
  // Called once, on any thread, when a sync has failed: nothing can be acknowledged any more. Must not block
  // and not call the server. Default: nothing more than an error to every producer.
  std::function<void(const absl::Status&)> on_storage_failure;
};

// The whole broker in this process: data directory, network threads, listener. leatd is a thin program around
// it; a C++ program may run one, or several on different directories.
class Server {
 public:
  // Returns once connections are accepted. Errors: kInvalidConfig (address), those of LogStore::Open,
  // kUnavailable (the address is taken).
  static absl::StatusOr<std::unique_ptr<Server>> Start(ServerOptions options);

  // Like a crash when Stop was not called: nothing acknowledged is lost, but the next start has to recover.
  ~Server();

  // "127.0.0.1:9640": where it listens.
  const std::string& address() const;
  uint16_t port() const;
  const RecoveryReport& recovery();
  Broker& broker() { return *broker_; }

  // Accepts nothing more, answers what is in flight for at most `deadline`, syncs everything and marks the
  // directory as cleanly left. Blocks. Once; not on one of its own threads.
  absl::Status Stop(absl::Duration deadline);

 private:
  Server() = default;
  void Shutdown();

  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Broker> broker_;
  std::vector<Lane*> lanes_;
  std::vector<std::unique_ptr<NetworkThread>> threads_;  // one for each lane
  std::unique_ptr<Listener> listener_;
};

}  // namespace leat
