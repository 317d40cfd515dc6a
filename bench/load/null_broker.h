#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/load/socket.h"

namespace leat {

// Speaks enough of the protocol to be loaded: reads frames, answers, keeps nothing. What a load generator
// reaches against it bounds what that generator can show of a real broker. Every topic exists with any
// partition, every record is acknowledged at once, a fetch gets the same prepared batches again and again.
class NullBroker {
 public:
  // `port` 0 takes a free one. `fetch_bytes`: about how much each fetch is answered with, `record_bytes` the
  // size of the records in it.
  static absl::StatusOr<std::unique_ptr<NullBroker>> Start(uint16_t port, size_t fetch_bytes,
                                                           size_t record_bytes);
  ~NullBroker();

  uint16_t port() const { return listener_.port(); }

 private:
  explicit NullBroker(ListeningSocket listener) : listener_(std::move(listener)) {}
  void AcceptLoop();
  void Serve(Socket socket) const;

  ListeningSocket listener_;
  std::string batches_;
  std::thread acceptor_;
};

}  // namespace leat
