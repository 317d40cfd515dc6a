#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "protocol/wire/leat.pb.h"
#include "protocol/wire/transport.h"

namespace leat {

struct TestReply {
  wire::ResponseHeader header;
  std::string payload;
};

// The other end of a session, by hand: sends what the test says, frames or not, and keeps what comes.
class TestClient final : public Transport::Handler {
 public:
  explicit TestClient(std::shared_ptr<Transport> transport) : transport_(std::move(transport)) {}
  void Start() { transport_->Start(this); }

  Transport::ReadResult OnData(absl::Span<char> data) override;
  void OnClosed(const absl::Status& reason) override { closed_ = reason; }

  // Gives the correlation id.
  uint64_t Send(wire::RequestHeader header, std::string payload = "");
  uint64_t SendHello();
  void SendRaw(std::string bytes);
  void SetReading(bool on) { transport_->SetReading(on); }
  void Close() { transport_->Close(absl::OkStatus(), false); }

  // The bytes of a frame.
  static std::string Encode(const wire::RequestHeader& header, absl::string_view payload);

  // Null while it has not come.
  const TestReply* Find(uint64_t correlation_id) const;
  const std::vector<TestReply>& replies() const { return replies_; }
  bool closed() const { return closed_.has_value(); }

 private:
  const std::shared_ptr<Transport> transport_;
  uint64_t last_correlation_id_ = 0;
  std::vector<TestReply> replies_;
  std::optional<absl::Status> closed_;
};

// Requests in one line.
wire::RequestHeader HelloRequest(uint32_t version_min = 1, uint32_t version_max = 1);
wire::RequestHeader CreateTopic(absl::string_view name, uint32_t partitions = 1);
// One batch of `batch_bytes` for each partition, from 0 on.
wire::RequestHeader Produce(absl::string_view topic, wire::AckLevel ack,
                            const std::vector<uint32_t>& batch_bytes);
wire::RequestHeader Fetch(absl::string_view topic, uint32_t partition, int64_t offset, uint32_t max_wait_ms);

}  // namespace leat
