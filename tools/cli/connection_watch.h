#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/client.h"

namespace leat {

// Notices while a command waits for records that the daemon is away: the consumer alone waits for ever. One
// thread.
class ConnectionWatch {
 public:
  // `client` outlives the watch. Without contact for `patience` (may be infinite) Check gives an error. With
  // `tell` standard error says that the connection is lost, and when it is back.
  ConnectionWatch(Client& client, absl::Duration patience, bool tell)
      : client_(&client), patience_(patience), tell_(tell) {}

  // To be called while no records come; never blocks.
  absl::Status Check();

 private:
  void Note(const absl::Status& contact, absl::Duration now);

  Client* client_;
  absl::Duration patience_;
  bool tell_;
  std::optional<Future<absl::Status>> asked_;
  std::optional<absl::Duration> lost_since_;
  absl::Status cause_;
};

}  // namespace leat
