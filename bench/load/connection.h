#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "bench/load/socket.h"
#include "protocol/wire/leat.pb.h"

namespace leat {

// The wire protocol over one blocking socket, for load generators: what is sent is seen here and nothing is
// hidden in threads. Hello is done by Connect. One thread, except that one thread may send while another
// receives.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Connect(const std::string& address);

  const wire::HelloResponse& hello() const { return hello_; }

  // Sends one frame. The correlation id is the caller's.
  [[nodiscard]] absl::Status Send(const wire::RequestHeader& header,
                                  absl::Span<const absl::string_view> payload);

  struct Reply {
    wire::ResponseHeader header;
    absl::string_view payload;  // until the next Receive
  };
  // The next frame. An error of the request as a whole becomes the status.
  absl::StatusOr<Reply> Receive();

  // Sends no more; returns when the broker has taken what was sent. For the thread of a signal (UndoGuard): a
  // topic that is deleted while records for it are on the way comes back with the next one.
  void FinishSending() { socket_.FinishSending(); }

  // Send and Receive for one request at a time.
  absl::StatusOr<Reply> Call(const wire::RequestHeader& header);

 private:
  explicit Connection(Socket socket) : socket_(std::move(socket)), buffer_(64 * 1024) {}

  Socket socket_;
  wire::HelloResponse hello_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what was received and not yet handed out
  size_t end_ = 0;
};

}  // namespace leat
