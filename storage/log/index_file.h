#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/env/file_system.h"
#include "storage/log/index_entry.h"

// Reading, searching and writing of .index and .timeindex files: entries of one size, nothing else. The files
// are a cache: nothing here is ever synced.

namespace leat {

template <typename Entry>
std::string EncodeEntries(const std::vector<Entry>& entries, Offset base) {
  std::string bytes(entries.size() * Entry::kBytes, '\0');
  for (size_t i = 0; i < entries.size(); ++i) entries[i].Encode(bytes.data() + i * Entry::kBytes, base);
  return bytes;
}

// Bytes after the last whole entry are ignored.
template <typename Entry>
std::vector<Entry> DecodeEntries(absl::string_view bytes, Offset base) {
  std::vector<Entry> entries;
  entries.reserve(bytes.size() / Entry::kBytes);
  for (size_t at = 0; at + Entry::kBytes <= bytes.size(); at += Entry::kBytes) {
    entries.push_back(Entry::Decode(bytes.data() + at, base));
  }
  return entries;
}

// The last of the first `count` entries of `file` for which `before` holds, by binary search over blocks;
// `before` must hold for a prefix of the entries. Fewer entries in the file than that are taken as they are.
template <typename Entry, typename Before>
absl::StatusOr<std::optional<Entry>> FindLastEntry(const File& file, uint32_t count, Offset base,
                                                   const Before& before) {
  constexpr uint32_t kBlockEntries = 64;
  std::array<char, kBlockEntries * Entry::kBytes> block;
  std::optional<Entry> found;
  // Every entry below `low` is before, every one from `high` on is not.
  uint32_t low = 0;
  uint32_t high = count;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const uint32_t first = high - low <= kBlockEntries ? low : middle;
    const uint32_t wanted = std::min(kBlockEntries, high - first);
    absl::StatusOr<size_t> read =
        file.ReadAt(uint64_t{first} * Entry::kBytes, absl::MakeSpan(block.data(), wanted * Entry::kBytes));
    if (!read.ok()) return read.status();
    const auto have = static_cast<uint32_t>(*read / Entry::kBytes);
    if (have == 0) {
      high = first;
      continue;
    }
    uint32_t matching = 0;
    for (; matching < have; ++matching) {
      const Entry entry = Entry::Decode(block.data() + matching * Entry::kBytes, base);
      if (!before(entry)) break;
      found = entry;
    }
    if (matching < have) high = first + matching;
    if (matching > 0) low = first + matching;
    if (matching == have && have < wanted) high = low;
  }
  return found;
}

// Puts `bytes` at `dir`/`name` by way of a temporary name, without syncing anything: after a power loss
// anything may be there, which whoever reads it has to notice.
[[nodiscard]] absl::Status WriteCacheFile(FileSystem& fs, const std::string& dir, const std::string& name,
                                          absl::string_view bytes);

// Writes `bytes` at `position`, which is the present end of the file or before it. Position 0 makes the file
// anew. IsNotFound when the file is gone, kDataLoss when it is shorter than `position`.
[[nodiscard]] absl::Status AppendCacheFile(FileSystem& fs, const std::string& path, uint64_t position,
                                           absl::string_view bytes);

}  // namespace leat
