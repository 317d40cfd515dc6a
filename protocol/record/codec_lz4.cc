#include <lz4frame.h>

#include <memory>

#include "protocol/record/codec_impl.h"

namespace leat {
namespace {

// Independent blocks of 64 KiB without a content size or checksum: what the Java readers of this format take.
LZ4F_preferences_t FramePreferences() {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  return preferences;
}

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};

}  // namespace

absl::Status Lz4Compress(absl::string_view data, std::string* out) {
  const LZ4F_preferences_t preferences = FramePreferences();
  const size_t before = out->size();
  const size_t bound = LZ4F_compressFrameBound(data.size(), &preferences);
  out->resize(before + bound);
  const size_t written = LZ4F_compressFrame(&(*out)[before], bound, data.data(), data.size(), &preferences);
  if (LZ4F_isError(written) != 0) return OutOfMemory("lz4");
  out->resize(before + written);
  return absl::OkStatus();
}

absl::Status Lz4Decompress(absl::string_view data, CappedOutput* out) {
  LZ4F_dctx* created = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&created, LZ4F_VERSION)) != 0) return OutOfMemory("lz4");
  const std::unique_ptr<LZ4F_dctx, FreeContext> context(created);
  while (true) {
    const absl::Span<char> room = out->Room();
    size_t written = room.size();
    size_t read = data.size();
    const size_t wanted = LZ4F_decompress(context.get(), room.data(), &written, data.data(), &read, nullptr);
    if (LZ4F_isError(wanted) != 0) return CorruptData("lz4", LZ4F_getErrorName(wanted));
    if (absl::Status status = out->Commit(written); !status.ok()) return status;
    data.remove_prefix(read);
    if (wanted == 0 && data.empty()) return absl::OkStatus();  // after the last of one or more frames
    if (read == 0 && written == 0) return CorruptData("lz4", "the end is missing");
  }
}

}  // namespace leat
