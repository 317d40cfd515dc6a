#include "bench/load/connection.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/tcp_transport.h"

namespace leat {
namespace {

constexpr size_t kRoom = 64 * 1024;  // for what comes next, at least; the buffer grows with the frames

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> Connection::Connect(const std::string& address) {
  const absl::StatusOr<HostPort> where = ParseHostPort(address, kDefaultPort);
  if (!where.ok()) return where.status();
  absl::StatusOr<Socket> socket = Socket::Connect(where->host, where->port);
  if (!socket.ok()) return socket.status();
  std::unique_ptr<Connection> connection(new Connection(*std::move(socket)));
  wire::RequestHeader hello;
  hello.mutable_hello()->set_version_min(kProtocolVersionMin);
  hello.mutable_hello()->set_version_max(kProtocolVersionMax);
  hello.mutable_hello()->set_client_name("leat-bench");
  const absl::StatusOr<Reply> reply = connection->Call(hello);
  if (!reply.ok()) return reply.status();
  connection->hello_ = reply->header.hello();
  return connection;
}

absl::Status Connection::Send(const wire::RequestHeader& header,
                              absl::Span<const absl::string_view> payload) {
  uint64_t payload_bytes = 0;
  for (const absl::string_view part : payload) payload_bytes += part.size();
  const absl::StatusOr<std::string> head = EncodeFrameHead(header, payload_bytes);
  if (!head.ok()) return head.status();
  std::vector<absl::string_view> parts;
  parts.reserve(payload.size() + 1);
  parts.emplace_back(*head);
  parts.insert(parts.end(), payload.begin(), payload.end());
  return socket_.SendAll(parts);
}

absl::StatusOr<Connection::Reply> Connection::Receive() {
  while (true) {
    const absl::Span<char> received(buffer_.data() + begin_, end_ - begin_);
    const absl::StatusOr<DecodedFrame> decoded = DecodeFrame(received, size_t{1} << 30);
    if (!decoded.ok()) return decoded.status();
    if (decoded->complete) {
      Reply reply;
      if (!reply.header.ParseFromArray(decoded->frame.header.data(),
                                       static_cast<int>(decoded->frame.header.size()))) {
        return MakeError(ErrorCode::kInvalidRequest, "the reply's header cannot be parsed");
      }
      reply.payload = absl::string_view(decoded->frame.payload.data(), decoded->frame.payload.size());
      begin_ += decoded->total_bytes;
      if (reply.header.error().code() != 0) return FromWire(reply.header.error());
      return reply;
    }
    const size_t wanted = std::max<size_t>(decoded->total_bytes, kRoom);
    if (begin_ > 0 && (begin_ == end_ || begin_ + wanted > buffer_.size())) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (begin_ + wanted > buffer_.size()) buffer_.resize(begin_ + wanted);
    const absl::StatusOr<size_t> got =
        socket_.ReceiveSome(absl::Span<char>(buffer_.data() + end_, buffer_.size() - end_));
    if (!got.ok()) return got.status();
    end_ += *got;
  }
}

absl::StatusOr<Connection::Reply> Connection::Call(const wire::RequestHeader& header) {
  const absl::Status sent = Send(header, {});
  if (!sent.ok()) return sent;
  return Receive();
}

}  // namespace leat
