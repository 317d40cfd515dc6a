#include <lz4frame.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "protocol/record/codec_impl.h"
#include "protocol/record/endian.h"

namespace leat {
namespace {

// Independent blocks of 64 KiB without a content size or checksum: what the Java readers of this format take.
LZ4F_preferences_t FramePreferences() {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  return preferences;
}

constexpr uint32_t kFrameMagic = 0x184D2204;
constexpr uint32_t kSkippableMagic = 0x184D2A50;  // and the 15 that follow
constexpr uint32_t kSkippableMask = 0xFFFFFFF0;
constexpr uint64_t kExpansionMax = 255;
constexpr uint32_t kStoredBit = 0x80000000;

// Takes `bytes` off the front of `data`; false when it has not as many.
bool Skip(absl::string_view* data, size_t bytes) {
  if (bytes > data->size()) return false;
  data->remove_prefix(bytes);
  return true;
}

// The blocks of a frame, up to the end mark; false when they are cut off.
bool BoundBlocks(absl::string_view* data, uint64_t block_max, size_t checksum_bytes, ContentSize* size) {
  while (data->size() >= 4) {
    const uint32_t word = LoadLittleEndian<uint32_t>(data->data());
    data->remove_prefix(4);
    if (word == 0) return true;
    const uint32_t bytes = word & ~kStoredBit;
    const bool stored = (word & kStoredBit) != 0;
    AddContent(size, stored ? bytes : 0, stored ? bytes : std::min(block_max, bytes * kExpansionMax));
    if (!Skip(data, bytes + checksum_bytes)) return false;
  }
  return false;
}

// One frame with its magic already taken off.
bool BoundFrame(absl::string_view* data, ContentSize* size) {
  if (data->size() < 3) return false;
  const auto flags = static_cast<uint8_t>((*data)[0]);
  const unsigned size_id = (static_cast<uint8_t>((*data)[1]) >> 4) & 7;
  if (flags >> 6 != 1 || size_id < 4) return false;
  const bool has_size = (flags & 8) != 0;
  const uint64_t declared = has_size && data->size() >= 10 ? LoadLittleEndian<uint64_t>(data->data() + 2) : 0;
  if (!Skip(data, 3U + (has_size ? 8 : 0) + ((flags & 1) != 0 ? 4 : 0))) return false;
  ContentSize blocks;
  if (!BoundBlocks(data, uint64_t{1} << (8 + 2 * size_id), (flags & 16) != 0 ? 4 : 0, &blocks)) return false;
  if (declared != 0) {
    const uint64_t capped = std::min(declared, uint64_t{1} << 40);  // so that sums do not wrap
    blocks = {capped, capped};
  }  // 0: not known
  AddContent(size, blocks.least, blocks.most);
  return Skip(data, (flags & 4) != 0 ? 4 : 0);
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

absl::StatusOr<ContentSize> Lz4ContentSize(absl::string_view data) {
  ContentSize size;
  do {
    if (data.size() < 8) return CorruptData("lz4", "the frame is cut off");
    const uint32_t magic = LoadLittleEndian<uint32_t>(data.data());
    data.remove_prefix(4);
    bool whole = false;
    if (magic == kFrameMagic) {
      whole = BoundFrame(&data, &size);
    } else if ((magic & kSkippableMask) == kSkippableMagic) {
      whole = Skip(&data, size_t{4} + LoadLittleEndian<uint32_t>(data.data()));
    } else {
      return CorruptData("lz4", "it does not begin with a frame");
    }
    if (!whole) return CorruptData("lz4", "the frame is wrong or cut off");
  } while (!data.empty());
  return size;
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
