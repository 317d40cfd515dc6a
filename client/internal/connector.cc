#include "client/internal/connector.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {

using asio::ip::tcp;

Connector::Connector(asio::io_context& io, TimerQueue& timers, absl::Duration timeout, Done done)
    : io_(io), timers_(timers), timeout_(timeout), done_(std::move(done)), resolver_(io), socket_(io) {}

void Connector::Start(const std::string& host, uint16_t port) {
  resolver_.async_resolve(
      host, std::to_string(port), tcp::resolver::numeric_service,
      [self = shared_from_this()](const std::error_code& error, const tcp::resolver::results_type& results) {
        if (!self->done_) return;
        if (error) return self->Finish(MakeError(ErrorCode::kUnavailable, error.message()));
        for (const auto& entry : results) self->endpoints_.push_back(entry.endpoint());
        self->TryNext();
      });
}

void Connector::Cancel() {
  done_ = nullptr;
  timers_.Cancel(timer_);
  resolver_.cancel();
  std::error_code ignored;
  socket_.close(ignored);
}

void Connector::TryNext() {
  if (endpoints_.empty()) {
    return Finish(
        MakeError(ErrorCode::kUnavailable, failures_.empty() ? "the name has no address" : failures_));
  }
  socket_ = tcp::socket(io_);
  timed_out_ = false;
  timer_ = timers_.Add(After(MonotonicNow(), timeout_), [self = shared_from_this()] {
    self->timed_out_ = true;
    std::error_code ignored;
    self->socket_.close(ignored);
  });
  socket_.async_connect(endpoints_.front(), [self = shared_from_this()](const std::error_code& error) {
    if (self->done_) self->OnConnected(error);
  });
}

void Connector::OnConnected(const std::error_code& error) {
  timers_.Cancel(timer_);
  if (!error && socket_.is_open()) return Finish(std::move(socket_));
  AddFailure(endpoints_.front(), timed_out_
                                     ? absl::StrCat("no answer within ", absl::FormatDuration(timeout_))
                                     : error.message());
  endpoints_.pop_front();
  TryNext();
}

void Connector::AddFailure(const tcp::endpoint& endpoint, const std::string& cause) {
  absl::StrAppend(&failures_, failures_.empty() ? "" : "; ", endpoint.address().to_string(), ": ", cause);
}

void Connector::Finish(absl::StatusOr<tcp::socket> result) {
  std::exchange(done_, nullptr)(std::move(result));
}

}  // namespace leat
