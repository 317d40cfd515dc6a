#include "broker/responder.h"

#include <utility>

#include "broker/broker.h"
#include "broker/lane.h"
#include "broker/session.h"
#include "protocol/record/error.h"

namespace leat {

Responder::Responder(std::shared_ptr<Session> session, const Tag& tag)
    : session_(std::move(session)), tag_(tag) {}

Responder::~Responder() {
  if (session_ == nullptr) return;
  if (session_->lane().closed()) return;
  Executor& executor = session_->lane().executor();
  if (executor.IsCurrent()) {
    Forget();
  } else {
    executor.Post([session = std::move(session_), tag = tag_] { session->Finish(tag); });
  }
}

Broker& Responder::broker() const { return session_->broker(); }
Lane& Responder::lane() const { return session_->lane(); }

void Responder::Send(wire::ResponseHeader& header, ReplyPayload payload) {
  if (session_ == nullptr) return;
  const std::shared_ptr<Session> session = std::move(session_);
  header.set_correlation_id(tag_.correlation_id);
  if (!silent_) session->SendReply(header, std::move(payload));
  session->Finish(tag_);
}

void Responder::Fail(const absl::Status& status) {
  if (session_ == nullptr) return;
  const std::shared_ptr<Session> session = std::move(session_);
  session->broker().metrics().CountError(CodeOf(status));
  if (!silent_) session->SendError(tag_.correlation_id, status);
  session->Finish(tag_);
}

void Responder::Forget() {
  if (session_ == nullptr) return;
  const std::shared_ptr<Session> session = std::move(session_);
  session->Finish(tag_);
}

}  // namespace leat
