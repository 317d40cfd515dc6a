#pragma once

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "client/internal/client_core.h"
#include "client/internal/monotonic.h"
#include "client/retry_policy.h"
#include "protocol/wire/leat.pb.h"

namespace leat {

struct CallReply {
  // Valid during the callback. Errors: those that stay, or kTimedOut/kUnavailable at the deadline.
  absl::StatusOr<const wire::ResponseHeader*> header;
  // An earlier attempt may have been carried out, though nobody told.
  bool repeated = false;
};
using CallDone = absl::AnyInvocable<void(CallReply) &&>;

// One request without payload, repeated after passing errors until `deadline`. Any thread; `done` runs on the
// io thread, or here with kShuttingDown when the client is closed, or with kInvalidRequest when a string of
// the request is not UTF-8.
void CallWithRetry(std::shared_ptr<ClientCore> core, wire::RequestHeader request, MonotonicTime deadline,
                   CallDone done);

}  // namespace leat
