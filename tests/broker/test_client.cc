#include "tests/broker/test_client.h"

#include <utility>

#include "gtest/gtest.h"
#include "protocol/wire/frame.h"

namespace leat {
namespace {

constexpr size_t kFrameBytesMax = 256 * 1024 * 1024;

}  // namespace

Transport::ReadResult TestClient::OnData(absl::Span<char> data) {
  size_t consumed = 0;
  while (consumed < data.size()) {
    const absl::StatusOr<DecodedFrame> frame = DecodeFrame(data.subspan(consumed), kFrameBytesMax);
    EXPECT_TRUE(frame.ok()) << frame.status();
    if (!frame.ok()) return {data.size(), 0};
    if (!frame->complete) return {consumed, frame->total_bytes};
    TestReply reply;
    EXPECT_TRUE(reply.header.ParseFromArray(frame->frame.header.data(),
                                            static_cast<int>(frame->frame.header.size())));
    reply.payload.assign(frame->frame.payload.data(), frame->frame.payload.size());
    replies_.push_back(std::move(reply));
    consumed += frame->total_bytes;
  }
  return {consumed, 0};
}

std::string TestClient::Encode(const wire::RequestHeader& header, absl::string_view payload) {
  return *EncodeFrameHead(header, payload.size()) + std::string(payload);
}

uint64_t TestClient::Send(wire::RequestHeader header, std::string payload) {
  header.set_correlation_id(++last_correlation_id_);
  SendRaw(Encode(header, payload));
  return last_correlation_id_;
}

uint64_t TestClient::SendHello() { return Send(HelloRequest()); }

void TestClient::SendRaw(std::string bytes) {
  OutFrame frame;
  frame.head = std::move(bytes);
  transport_->Send(std::move(frame));
}

const TestReply* TestClient::Find(uint64_t correlation_id) const {
  for (const TestReply& reply : replies_) {
    if (reply.header.correlation_id() == correlation_id) return &reply;
  }
  return nullptr;
}

wire::RequestHeader HelloRequest(uint32_t version_min, uint32_t version_max) {
  wire::RequestHeader request;
  request.mutable_hello()->set_version_min(version_min);
  request.mutable_hello()->set_version_max(version_max);
  request.mutable_hello()->set_client_name("test");
  request.mutable_hello()->set_client_version("1");
  return request;
}

wire::RequestHeader CreateTopic(absl::string_view name, uint32_t partitions) {
  wire::RequestHeader request;
  request.mutable_create_topic()->set_name(std::string(name));
  request.mutable_create_topic()->set_partition_count(partitions);
  return request;
}

wire::RequestHeader Produce(absl::string_view topic, wire::AckLevel ack,
                            const std::vector<uint32_t>& batch_bytes) {
  wire::RequestHeader request;
  request.mutable_produce()->set_ack(ack);
  for (uint32_t i = 0; i < batch_bytes.size(); ++i) {
    wire::ProducePartition* entry = request.mutable_produce()->add_partitions();
    entry->set_topic(std::string(topic));
    entry->set_partition(i);
    entry->set_batch_bytes(batch_bytes[i]);
  }
  return request;
}

wire::RequestHeader Fetch(absl::string_view topic, uint32_t partition, int64_t offset, uint32_t max_wait_ms) {
  wire::RequestHeader request;
  request.mutable_fetch()->set_max_wait_ms(max_wait_ms);
  request.mutable_fetch()->set_min_bytes(1);
  wire::FetchPartition* entry = request.mutable_fetch()->add_partitions();
  entry->set_topic(std::string(topic));
  entry->set_partition(partition);
  entry->set_offset(offset);
  return request;
}

}  // namespace leat
