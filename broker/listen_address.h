#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "asio/ip/tcp.hpp"

namespace leat {

// The addresses that "HOST:PORT" stands for: all of a name. Asks the resolver of the system. kInvalidConfig
// for what cannot be parsed or resolved, and for an address beyond loopback unless `insecure`: whoever can
// reach it could read and write everything.
absl::StatusOr<std::vector<asio::ip::tcp::endpoint>> ResolveListenAddress(const std::string& listen,
                                                                          bool insecure);

// "127.0.0.1:9640", "[::1]:9640".
std::string EndpointText(const asio::ip::tcp::endpoint& endpoint);

}  // namespace leat
