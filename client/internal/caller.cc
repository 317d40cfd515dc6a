#include "client/internal/caller.h"

#include <utility>

#include "protocol/record/error.h"
#include "protocol/wire/utf8.h"

namespace leat {
namespace {

struct RepeatedCall : std::enable_shared_from_this<RepeatedCall> {
  std::weak_ptr<ClientCore> core;
  wire::RequestHeader request;
  RetryState retry;
  CallDone done;
  bool repeated = false;
  TimerQueue::Id timer;

  ~RepeatedCall() {
    // Dropped with the queues of a client that was closed.
    if (done) std::move(done)(CallReply{ClientClosedError(), repeated});
  }

  void Attempt() {
    const std::shared_ptr<ClientCore> client = core.lock();
    if (client == nullptr) return;
    LinkRequest out;
    out.header = request;
    out.deadline = retry.deadline;
    out.reply_timeout = client->options().request_timeout;
    client->link().Call(std::move(out), [self = shared_from_this()](absl::StatusOr<LinkReply> reply) {
      self->OnReply(std::move(reply));
    });
  }

  void OnReply(absl::StatusOr<LinkReply> reply) {
    if (reply.ok()) return std::exchange(done, nullptr)(CallReply{&reply->header, repeated});
    const std::shared_ptr<ClientCore> client = core.lock();
    if (client == nullptr || MonotonicNow() >= retry.deadline) return Fail(reply.status());
    const RetryAction action =
        AfterFailure(client->options().retry, retry, reply.status(), MonotonicNow(), client->random());
    if (!action.retry) return Fail(action.error);
    // After any other error nothing was carried out.
    const ErrorCode code = CodeOf(reply.status());
    repeated = repeated || code == ErrorCode::kUnavailable || code == ErrorCode::kTimedOut;
    timer = client->timers().Add(action.at, [self = shared_from_this()] { self->Attempt(); });
    if (timer == TimerQueue::kNone) Fail(ClientClosedError());
  }

  void Fail(const absl::Status& error) { std::exchange(done, nullptr)(CallReply{error, repeated}); }
};

}  // namespace

void CallWithRetry(std::shared_ptr<ClientCore> core, wire::RequestHeader request, MonotonicTime deadline,
                   CallDone done) {
  auto call = std::make_shared<RepeatedCall>();
  call->core = core;
  call->request = std::move(request);
  call->retry.deadline = deadline;
  call->done = std::move(done);
  if (absl::Status status = CheckUtf8(call->request); !status.ok()) {
    return std::exchange(call->done, nullptr)(CallReply{std::move(status), false});
  }
  if (core->OnIoThread()) return call->Attempt();
  core->Post([call = std::move(call)] { call->Attempt(); });
}

}  // namespace leat
