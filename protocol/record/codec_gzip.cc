#include <zlib.h>

#include <cstdint>
#include <limits>
#include <memory>

#include "absl/strings/match.h"
#include "protocol/record/codec_impl.h"
#include "protocol/record/endian.h"

namespace leat {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window, and gzip's header instead of zlib's
constexpr int kMemoryLevel = 8;           // zlib's default
constexpr absl::string_view kMemberStart("\x1f\x8b\x08", 3);
constexpr size_t kMemberBytesMin = 18;    // header and trailer
constexpr uint64_t kExpansionMax = 1032;  // deflate: 258 bytes for two bits

Bytef* Input(absl::string_view data) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));  // zlib's own type lacks the const
}

using EndStream = int (*)(z_streamp);

}  // namespace

absl::Status GzipCompress(absl::string_view data, std::string* out) {
  z_stream stream = {};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return OutOfMemory("gzip");
  }
  const std::unique_ptr<z_stream, EndStream> guard(&stream, deflateEnd);
  const size_t before = out->size();
  const size_t bound = deflateBound(&stream, data.size());
  out->resize(before + bound);
  stream.next_in = Input(data);
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(&(*out)[before]);
  stream.avail_out = static_cast<uInt>(bound);
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return OutOfMemory("gzip");
  out->resize(before + stream.total_out);
  return absl::OkStatus();
}

absl::Status GzipDecompress(absl::string_view data, CappedOutput* out) {
  z_stream stream = {};
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) return OutOfMemory("gzip");
  const std::unique_ptr<z_stream, EndStream> guard(&stream, inflateEnd);
  stream.next_in = Input(data);
  stream.avail_in = static_cast<uInt>(data.size());
  while (true) {
    const absl::Span<char> room = out->Room();
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    if (absl::Status status = out->Commit(room.size() - stream.avail_out); !status.ok()) return status;
    if (result == Z_STREAM_END) {
      if (stream.avail_in == 0) return absl::OkStatus();
      inflateReset(&stream);  // another member follows
    } else if (result == Z_MEM_ERROR) {
      return OutOfMemory("gzip");
    } else if (result != Z_OK) {
      return CorruptData("gzip", stream.msg != nullptr ? stream.msg : "the end is missing");
    }
  }
}

// The end of a member holds its size. Where no other member can begin behind the first, that is all there is.
absl::StatusOr<ContentSize> GzipContentSize(absl::string_view data) {
  if (data.size() < kMemberBytesMin || !absl::StartsWith(data, kMemberStart)) {
    return CorruptData("gzip", "it does not begin with a member");
  }
  const uint32_t last = LoadLittleEndian<uint32_t>(data.data() + data.size() - 4);
  const bool one_member = data.find(kMemberStart, kMemberBytesMin) == absl::string_view::npos;
  const uint64_t most = data.size() * kExpansionMax;
  // Sizes are modulo 4 GiB.
  return ContentSize{last, one_member && most <= std::numeric_limits<uint32_t>::max() ? last : most};
}

}  // namespace leat
