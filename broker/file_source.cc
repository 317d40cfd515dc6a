#include "broker/file_source.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"

namespace leat {

absl::Status ReadFully(const File& file, uint64_t offset, absl::Span<char> out) {
  const absl::StatusOr<size_t> read = file.ReadAt(offset, out);
  if (!read.ok()) return read.status();
  if (*read == out.size()) return absl::OkStatus();
  return MakeError(ErrorCode::kStorageError,
                   absl::StrCat("a segment file is shorter than it was: it ends at ", offset + *read));
}

absl::Status FileSource::ReadAt(uint64_t offset, absl::Span<char> out) const {
  return ReadFully(*file_, offset, out);
}

absl::Status MemorySource::ReadAt(uint64_t offset, absl::Span<char> out) const {
  if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
    return MakeError(ErrorCode::kStorageError, "read beyond the end");
  }
  std::memcpy(out.data(), bytes_.data() + offset, out.size());
  return absl::OkStatus();
}

}  // namespace leat
