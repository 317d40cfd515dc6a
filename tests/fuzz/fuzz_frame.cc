// Any bytes as what a peer sends: cut into pieces, gathered in a receive buffer, taken apart into frames,
// their headers parsed as requests and as replies.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "protocol/record/error.h"
#include "protocol/wire/error_map.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/leat.pb.h"
#include "protocol/wire/receive_buffer.h"

namespace leat {
namespace {

constexpr size_t kFrameMax = 64 * 1024;

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckError(const wire::Error& error) {
  const absl::Status status = FromWire(error);
  Require(static_cast<int32_t>(CodeOf(status)) == error.code());
  wire::Error again;
  ToWire(status, &again);
  Require(again.code() == error.code() && again.message().size() <= kErrorMessageBytesMax);
  Require(status.ok() || wire::Error().ParseFromString(again.SerializeAsString()));
}

void CheckHeaders(const FrameView& frame) {
  const auto size = static_cast<int>(frame.header.size());
  wire::RequestHeader request;
  if (request.ParseFromArray(frame.header.data(), size)) {
    const absl::StatusOr<std::string> head = EncodeFrameHead(request, frame.payload.size());
    Require(head.ok());
    std::string bytes = *head + std::string(frame.payload.begin(), frame.payload.end());
    const absl::StatusOr<DecodedFrame> decoded = DecodeFrame(absl::MakeSpan(bytes), 2 * bytes.size());
    Require(decoded.ok() && decoded->complete && decoded->frame.payload == frame.payload);
  }
  wire::ResponseHeader response;
  if (!response.ParseFromArray(frame.header.data(), size)) return;
  CheckError(response.error());
  for (const wire::ProduceResult& result : response.produce().results()) CheckError(result.error());
}

// Gathers `input` in pieces of 1 to `piece_max` bytes, as a connection does, and gives the sizes of the
// frames.
std::vector<size_t> Frames(const std::string& input, size_t piece_max) {
  ReceiveBuffer buffer(256, kFrameMax);
  std::vector<size_t> sizes;
  size_t at = 0;
  size_t wanted = 0;
  while (at < input.size()) {
    const absl::Span<char> space = buffer.Prepare(wanted);
    Require(!space.empty() && buffer.capacity() <= kFrameMax);
    const size_t count = std::min({space.size(), input.size() - at, 1 + (at * 7919) % piece_max});
    std::memcpy(space.data(), input.data() + at, count);
    buffer.Commit(count);
    at += count;
    for (;;) {
      const absl::StatusOr<DecodedFrame> decoded = DecodeFrame(buffer.data(), kFrameMax);
      if (!decoded.ok()) return sizes;
      wanted = decoded->total_bytes;
      Require(wanted <= kFrameMax);
      if (!decoded->complete) break;
      CheckHeaders(decoded->frame);
      sizes.push_back(decoded->total_bytes);
      buffer.Consume(decoded->total_bytes);
      if (at % 5 == 0) buffer.Trim();
    }
  }
  return sizes;
}

}  // namespace
}  // namespace leat

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string input(reinterpret_cast<const char*>(data + 1), size - 1);
  // However the bytes are cut, the same frames come out.
  const std::vector<size_t> whole = leat::Frames(input, leat::kFrameMax);
  leat::Require(leat::Frames(input, 1 + data[0]) == whole);
  return 0;
}
