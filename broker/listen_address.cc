#include "broker/listen_address.h"

#include <algorithm>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "asio/io_context.hpp"
#include "asio/ip/address.hpp"
#include "protocol/record/error.h"
#include "protocol/wire/tcp_transport.h"

namespace leat {
namespace {

using asio::ip::tcp;

absl::StatusOr<std::vector<tcp::endpoint>> Resolve(const HostPort& where) {
  std::error_code error;
  const asio::ip::address literal = asio::ip::make_address(where.host, error);
  if (!error && literal.is_v6() && literal.to_v6().is_v4_mapped()) {
    return std::vector<tcp::endpoint>{
        {asio::ip::make_address_v4(asio::ip::v4_mapped, literal.to_v6()), where.port}};
  }
  if (!error) return std::vector<tcp::endpoint>{{literal, where.port}};
  asio::io_context io;
  tcp::resolver resolver(io);
  const auto found = resolver.resolve(where.host, std::to_string(where.port), tcp::resolver::passive, error);
  if (error) {
    return MakeError(ErrorCode::kInvalidConfig, absl::StrCat("listen: the host \"", where.host,
                                                             "\" cannot be resolved: ", error.message()));
  }
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) {
    if (std::find(endpoints.begin(), endpoints.end(), entry.endpoint()) == endpoints.end()) {
      endpoints.push_back(entry.endpoint());
    }
  }
  return endpoints;
}

}  // namespace

std::string EndpointText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? absl::StrCat("[", host, "]:", endpoint.port())
                                    : absl::StrCat(host, ":", endpoint.port());
}

absl::StatusOr<std::vector<tcp::endpoint>> ResolveListenAddress(const std::string& listen, bool insecure) {
  const absl::StatusOr<HostPort> where = ParseHostPort(listen, kDefaultPort);
  if (!where.ok()) {
    return MakeError(ErrorCode::kInvalidConfig, absl::StrCat("listen: ", where.status().message()));
  }
  absl::StatusOr<std::vector<tcp::endpoint>> endpoints = Resolve(*where);
  if (!endpoints.ok()) return endpoints;
  for (const tcp::endpoint& endpoint : *endpoints) {
    if (insecure || endpoint.address().is_loopback()) continue;
    return MakeError(
        ErrorCode::kInvalidConfig,
        absl::StrCat("refusing to listen on ", EndpointText(endpoint),
                     ": it can be reached from other machines, and this version has no "
                     "authentication, so anybody there could read and write every topic. Listen on "
                     "127.0.0.1 or [::1], or give --insecure if the network itself is trusted"));
  }
  return endpoints;
}

}  // namespace leat
