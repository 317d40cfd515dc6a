#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "protocol/record/error.h"
#include "protocol/wire/tcp_transport.h"

namespace leat {
namespace {

absl::Status Malformed(absl::string_view text, absl::string_view why) {
  return MakeError(ErrorCode::kInvalidRequest, absl::StrCat("\"", text, "\" is no address: ", why,
                                                            "; write HOST:PORT, for instance localhost:",
                                                            kDefaultPort, " or [::1]:", kDefaultPort));
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(absl::string_view text, uint16_t default_port) {
  absl::string_view host = text;
  absl::string_view port;
  bool has_port = false;
  if (!text.empty() && text.front() == '[') {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return Malformed(text, "the closing bracket is missing");
    host = text.substr(1, end - 1);
    const absl::string_view rest = text.substr(end + 1);
    has_port = !rest.empty();
    if (has_port && rest.front() != ':') return Malformed(text, "a colon has to follow the bracket");
    if (has_port) port = rest.substr(1);
  } else {
    const size_t colon = text.find(':');
    has_port = colon != absl::string_view::npos;
    if (has_port && text.find(':', colon + 1) != absl::string_view::npos) {
      return Malformed(text, "an IPv6 address has to stand in brackets");
    }
    if (has_port) {
      host = text.substr(0, colon);
      port = text.substr(colon + 1);
    }
  }
  if (host.empty()) return Malformed(text, "the host is missing");
  HostPort result{std::string(host), default_port};
  if (!has_port) return result;
  uint32_t number = 0;
  const bool digits = port.find_first_not_of("0123456789") == absl::string_view::npos;
  if (!digits || !absl::SimpleAtoi(port, &number) || number > 65535) {
    return Malformed(text, "the port has to be a number from 0 to 65535");
  }
  result.port = static_cast<uint16_t>(number);
  return result;
}

}  // namespace leat
