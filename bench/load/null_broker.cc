#include "bench/load/null_broker.h"

#include <cstring>
#include <utility>

#include "bench/load/random_bytes.h"
#include "protocol/record/batch_builder.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/leat.pb.h"

namespace leat {
namespace {

// Answers to `request`; false when it wants no reply.
bool Answer(const wire::RequestHeader& request, uint64_t fetch_bytes, wire::ResponseHeader* reply) {
  reply->set_correlation_id(request.correlation_id());
  switch (request.request_case()) {
    case wire::RequestHeader::kHello:
      reply->mutable_hello()->set_version(kProtocolVersionMax);
      reply->mutable_hello()->set_server_version("null");
      return true;
    case wire::RequestHeader::kProduce:
      if (request.produce().ack() == wire::ACK_NONE) return false;
      for (int i = 0; i < request.produce().partitions_size(); ++i) {
        reply->mutable_produce()->add_results()->set_level(request.produce().ack());
      }
      return true;
    case wire::RequestHeader::kFetch: {
      auto* first = reply->mutable_fetch()->add_results();
      first->set_batches_bytes(fetch_bytes);
      first->set_visible_offset(int64_t{1} << 60);
      for (int i = 1; i < request.fetch().partitions_size(); ++i) reply->mutable_fetch()->add_results();
      return true;
    }
    case wire::RequestHeader::kListOffsets:
      for (int i = 0; i < request.list_offsets().queries_size(); ++i) {
        reply->mutable_list_offsets()->add_answers();
      }
      return true;
    default:
      // Creating, describing and deleting succeed without a word.
      reply->mutable_create_topic()->set_created(true);
      return true;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<NullBroker>> NullBroker::Start(uint16_t port, size_t fetch_bytes,
                                                              size_t record_bytes) {
  absl::StatusOr<ListeningSocket> listener = ListeningSocket::Open(port);
  if (!listener.ok()) return listener.status();
  std::unique_ptr<NullBroker> broker(new NullBroker(*std::move(listener)));
  BatchBuilder builder;
  const std::string value = RandomBytes(6, record_bytes);
  do {
    builder.Add(1'700'000'000'000, std::nullopt, value);
  } while (builder.uncompressed_bytes() + record_bytes < fetch_bytes);
  absl::StatusOr<std::string> batch = builder.Finish();
  if (!batch.ok()) return batch.status();
  broker->batches_ = *std::move(batch);
  broker->acceptor_ = std::thread([raw = broker.get()] { raw->AcceptLoop(); });
  return broker;
}

NullBroker::~NullBroker() {
  listener_.Shutdown();
  acceptor_.join();
}

void NullBroker::AcceptLoop() {
  std::vector<std::thread> connections;
  while (true) {
    absl::StatusOr<Socket> socket = listener_.Accept();
    if (!socket.ok()) break;
    connections.emplace_back([this, held = *std::move(socket)]() mutable { Serve(std::move(held)); });
  }
  for (std::thread& connection : connections) connection.join();
}

void NullBroker::Serve(Socket socket) const {
  std::vector<char> buffer(1024 * 1024);
  size_t have = 0;
  while (true) {
    size_t done = 0;
    while (true) {
      const absl::StatusOr<DecodedFrame> frame =
          DecodeFrame(absl::Span<char>(buffer.data() + done, have - done), size_t{1} << 30);
      if (!frame.ok()) return;
      if (!frame->complete) {
        if (frame->total_bytes > buffer.size()) buffer.resize(frame->total_bytes);
        break;
      }
      done += frame->total_bytes;
      wire::RequestHeader request;
      wire::ResponseHeader reply;
      if (!request.ParseFromArray(frame->frame.header.data(), static_cast<int>(frame->frame.header.size())))
        return;
      if (!Answer(request, batches_.size(), &reply)) continue;
      const absl::string_view payload =
          request.has_fetch() ? absl::string_view(batches_) : absl::string_view();
      const absl::StatusOr<std::string> head = EncodeFrameHead(reply, payload.size());
      if (!head.ok() || !socket.SendAll({*head, payload}).ok()) return;
    }
    std::memmove(buffer.data(), buffer.data() + done, have - done);
    have -= done;
    const absl::StatusOr<size_t> got =
        socket.ReceiveSome(absl::Span<char>(buffer.data() + have, buffer.size() - have));
    if (!got.ok()) return;
    have += *got;
  }
}

}  // namespace leat
