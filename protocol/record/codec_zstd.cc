#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <memory>

#include "protocol/record/codec_impl.h"

namespace leat {
namespace {

constexpr int kLevel = 3;  // zstd's default
constexpr size_t kFirstTryFactor = 4;
constexpr size_t kFirstTryMin = 64 * 1024;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// Contexts are large and made for reuse: one for each thread that needs one.
ZSTD_CCtx* Compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  return context.get();
}

ZSTD_DCtx* Decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  return context.get();
}

}  // namespace

absl::Status ZstdCompress(absl::string_view data, std::string* out) {
  ZSTD_CCtx* const context = Compressor();
  if (context == nullptr) return OutOfMemory("zstd");
  const size_t before = out->size();
  const size_t bound = ZSTD_compressBound(data.size());
  out->resize(before + bound);
  const size_t written = ZSTD_compressCCtx(context, &(*out)[before], bound, data.data(), data.size(), kLevel);
  if (ZSTD_isError(written) != 0) return OutOfMemory("zstd");
  out->resize(before + written);
  return absl::OkStatus();
}

// Whole frames into one buffer: then the buffer is zstd's window and none is allocated at the size that a
// frame declares. A buffer that turns out too small is replaced by one of four times the size, up to the
// limit.
absl::Status ZstdDecompress(absl::string_view data, CappedOutput* out) {
  if (data.empty()) return CorruptData("zstd", "the frame is missing");
  ZSTD_DCtx* const context = Decompressor();
  if (context == nullptr) return OutOfMemory("zstd");
  const size_t limit = out->bytes_left();
  size_t size = std::min(std::max(data.size() * kFirstTryFactor, kFirstTryMin), limit);
  while (true) {
    const absl::StatusOr<absl::Span<char>> room = out->Room(size);
    if (!room.ok()) return room.status();
    const size_t written = ZSTD_decompressDCtx(context, room->data(), room->size(), data.data(), data.size());
    if (ZSTD_isError(written) == 0) return out->Commit(written);
    if (ZSTD_getErrorCode(written) != ZSTD_error_dstSize_tooSmall) {
      return CorruptData("zstd", ZSTD_getErrorName(written));
    }
    if (size == limit) return OverDecompressionLimit(limit);
    size = std::min(size * kFirstTryFactor, limit);
  }
}

}  // namespace leat
