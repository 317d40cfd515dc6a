#include <algorithm>

#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "broker/handlers/handlers.h"
#include "broker/request_table.h"
#include "broker/session.h"
#include "broker/version.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

constexpr size_t kClientNameBytesMax = 128;

// For log lines: printable and short.
std::string Printable(absl::string_view text) {
  std::string out(text.substr(0, kClientNameBytesMax));
  for (char& c : out) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return out;
}

}  // namespace

void HandleHello(Request& request) {
  const wire::HelloRequest& hello = request.header.hello();
  Session& session = request.responder.session();
  if (session.ready()) {
    return request.responder.Fail(MakeError(ErrorCode::kInvalidRequest, "Hello was answered before"));
  }
  const uint32_t version = std::min(hello.version_max(), kProtocolVersionMax);
  if (version < kProtocolVersionMin || version < hello.version_min()) {
    const absl::Status status =
        MakeError(ErrorCode::kUnsupportedVersion,
                  absl::StrCat("the client speaks protocol versions ", hello.version_min(), " to ",
                               hello.version_max(), ", this broker ", kProtocolVersionMin, " to ",
                               kProtocolVersionMax, ": upgrade the older one"));
    const std::shared_ptr<Session> kept = session.shared_from_this();
    request.responder.Fail(status);
    return kept->Close(CloseReason::kHello, status);
  }
  session.SetReady(Printable(absl::StrCat(hello.client_name(), " ", hello.client_version())));

  wire::ResponseHeader reply;
  wire::HelloResponse& body = *reply.mutable_hello();
  body.set_version(version);
  body.set_server_version(std::string(Version()));
  body.set_data_id(request.responder.broker().store().data_id());
  FillLimits(request.responder.broker().config(), body.mutable_limits());
  request.responder.Send(reply);
}

}  // namespace leat
