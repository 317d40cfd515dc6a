#include <zlib.h>

#include <memory>

#include "protocol/record/codec_impl.h"

namespace leat {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // the largest window, and gzip's header instead of zlib's
constexpr int kMemoryLevel = 8;           // zlib's default

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

}  // namespace leat
