#include <snappy.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/match.h"
#include "protocol/record/codec_impl.h"
#include "protocol/record/endian.h"

// Snappy itself has no frame. The stream format is the one of the Java library (xerial): a magic, two version
// numbers, then blocks, each with its compressed length in front. Some producers send one bare block instead.

namespace leat {
namespace {

constexpr absl::string_view kMagic("\x82SNAPPY\0", 8);
constexpr size_t kStreamHeaderBytes = 16;  // magic, version, lowest compatible version
constexpr int32_t kStreamVersion = 1;
constexpr size_t kLengthBytes = 4;
constexpr size_t kBlockBytes = 32 * 1024;

// No element of a block gives more bytes for its size than a copy of 64 bytes that takes 3.
constexpr size_t kExpansionMax = 22;

absl::StatusOr<size_t> DeclaredLength(absl::string_view block) {
  size_t declared = 0;
  if (snappy::GetUncompressedLength(block.data(), block.size(), &declared) &&
      declared <= block.size() * kExpansionMax) {
    return declared;
  }
  return CorruptData("snappy", "a block declares a length that it cannot have");
}

absl::Status AppendBlock(absl::string_view block, CappedOutput* out) {
  const absl::StatusOr<size_t> length = DeclaredLength(block);
  if (!length.ok()) return length.status();
  const size_t declared = *length;
  const absl::StatusOr<absl::Span<char>> room = out->Room(declared);
  if (!room.ok()) return room.status();
  char none = 0;
  if (!snappy::RawUncompress(block.data(), block.size(), declared > 0 ? room->data() : &none)) {
    return CorruptData("snappy", "a block is damaged");
  }
  return out->Commit(declared);
}

// A bare block, or those of one or more streams.
template <typename Take>
absl::Status ForEachBlock(absl::string_view data, Take take) {
  if (!absl::StartsWith(data, kMagic)) return take(data);
  while (!data.empty()) {
    if (absl::StartsWith(data, kMagic)) {  // at the start, and where another stream was appended
      if (data.size() < kStreamHeaderBytes) return CorruptData("snappy", "the stream header is cut off");
      data.remove_prefix(kStreamHeaderBytes);
      continue;
    }
    if (data.size() < kLengthBytes) return CorruptData("snappy", "a block length is cut off");
    const auto length = LoadBigEndian<int32_t>(data.data());
    data.remove_prefix(kLengthBytes);
    if (length < 0 || static_cast<size_t>(length) > data.size()) {
      return CorruptData("snappy", "a block is longer than what is there");
    }
    const auto bytes = static_cast<size_t>(length);
    if (absl::Status status = take(data.substr(0, bytes)); !status.ok()) return status;
    data.remove_prefix(bytes);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SnappyCompress(absl::string_view data, std::string* out) {
  char header[kStreamHeaderBytes];
  std::copy(kMagic.begin(), kMagic.end(), header);
  StoreBigEndian(header + 8, kStreamVersion);
  StoreBigEndian(header + 12, kStreamVersion);
  out->append(header, sizeof(header));
  while (!data.empty()) {
    const absl::string_view block = data.substr(0, kBlockBytes);
    const size_t at = out->size();
    out->resize(at + kLengthBytes + snappy::MaxCompressedLength(block.size()));
    size_t compressed = 0;
    snappy::RawCompress(block.data(), block.size(), &(*out)[at + kLengthBytes], &compressed);
    StoreBigEndian(&(*out)[at], static_cast<int32_t>(compressed));
    out->resize(at + kLengthBytes + compressed);
    data.remove_prefix(block.size());
  }
  return absl::OkStatus();
}

absl::Status SnappyDecompress(absl::string_view data, CappedOutput* out) {
  return ForEachBlock(data, [out](absl::string_view block) { return AppendBlock(block, out); });
}

absl::StatusOr<ContentSize> SnappyContentSize(absl::string_view data) {
  ContentSize size;
  absl::Status status = ForEachBlock(data, [&size](absl::string_view block) {
    const absl::StatusOr<size_t> length = DeclaredLength(block);
    if (length.ok()) AddContent(&size, *length, *length);
    return length.status();
  });
  if (!status.ok()) return status;
  return size;
}

}  // namespace leat
