#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "protocol/record/codec_impl.h"
#include "protocol/record/endian.h"

namespace leat {
namespace {

constexpr int kLevel = 3;  // zstd's default
constexpr size_t kFirstTryFactor = 4;
constexpr size_t kFirstTryMin = 64 * 1024;
constexpr uint32_t kRawBlock = 0;
constexpr uint32_t kRunBlock = 1;

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

// The frame at the front of `data`, `bytes` of it, whose header declares no content size. libzstd has walked
// its blocks already. False for what is not a frame of today's format.
bool BoundBlocks(absl::string_view frame, ContentSize* size) {
  constexpr size_t kDictionaryBytes[] = {0, 1, 2, 4};
  if (frame.size() < 6 || LoadLittleEndian<uint32_t>(frame.data()) != ZSTD_MAGICNUMBER) return false;
  const auto descriptor = static_cast<uint8_t>(frame[4]);
  // A frame without a window descriptor has a content size.
  size_t at = 6 + kDictionaryBytes[descriptor & 3];
  while (at + 3 <= frame.size()) {
    const uint32_t block = static_cast<uint8_t>(frame[at]) |
                           static_cast<uint32_t>(static_cast<uint8_t>(frame[at + 1])) << 8 |
                           static_cast<uint32_t>(static_cast<uint8_t>(frame[at + 2])) << 16;
    const uint32_t type = (block >> 1) & 3;
    const uint32_t bytes = block >> 3;
    const bool known = type == kRawBlock || type == kRunBlock;
    AddContent(size, known ? bytes : 0, known ? bytes : ZSTD_BLOCKSIZE_MAX);
    at += 3 + (type == kRunBlock ? 1 : bytes);
    if ((block & 1) != 0) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<ContentSize> ZstdContentSize(absl::string_view data) {
  ContentSize size;
  do {
    const size_t bytes = ZSTD_findFrameCompressedSize(data.data(), data.size());
    if (ZSTD_isError(bytes) != 0) return CorruptData("zstd", ZSTD_getErrorName(bytes));
    const unsigned long long declared = ZSTD_getFrameContentSize(data.data(), data.size());
    if (declared == ZSTD_CONTENTSIZE_ERROR) return CorruptData("zstd", "a frame header is damaged");
    if (declared != ZSTD_CONTENTSIZE_UNKNOWN) {
      // More than a batch can have is only counted, so that sums do not wrap.
      const uint64_t capped = std::min<uint64_t>(declared, uint64_t{1} << 40);
      AddContent(&size, capped, capped);
    } else if (!BoundBlocks(data.substr(0, bytes), &size)) {
      AddContent(&size, 0, uint64_t{1} << 40);
    }
    data.remove_prefix(bytes);
  } while (!data.empty());
  return size;
}

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
