#include "storage/log/refill.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/log/file_names.h"

namespace leat {
namespace {

constexpr size_t kCopyBytes = 1 << 20;

absl::StatusOr<std::unique_ptr<File>> OpenOrCreate(FileSystem& fs, const std::string& path) {
  absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kReadWrite);
  return absl::IsNotFound(file.status()) ? fs.Open(path, OpenMode::kCreateNew) : std::move(file);
}

absl::Status Copy(const RefillPiece& piece, File& to, std::string& buffer) {
  for (uint64_t done = 0; done < piece.bytes;) {
    buffer.resize(std::min<uint64_t>(kCopyBytes, piece.bytes - done));
    const absl::StatusOr<size_t> got =
        piece.source->ReadAt(piece.source_position + done, absl::MakeSpan(buffer));
    if (!got.ok()) return got.status();
    if (*got != buffer.size()) {
      return MakeError(ErrorCode::kStorageError, "the journal has become shorter while it was read");
    }
    const absl::string_view bytes = buffer;
    absl::Status written = to.WriteAt(piece.position + done, absl::MakeConstSpan(&bytes, 1));
    if (!written.ok()) return written;
    done += buffer.size();
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RefillSegments(FileSystem& fs, const std::string& dir, Offset lowest,
                            absl::Span<const RefillPiece> pieces, uint64_t& written) {
  std::unique_ptr<File> file;
  Offset open_base = -1;
  std::string buffer;
  for (const RefillPiece& piece : pieces) {
    if (piece.end_offset <= lowest) continue;
    if (piece.segment_base != open_base) {
      absl::StatusOr<std::unique_ptr<File>> opened =
          OpenOrCreate(fs, SegmentPath(dir, piece.segment_base, kLogSuffix));
      if (!opened.ok()) return opened.status();
      file = *std::move(opened);
      open_base = piece.segment_base;
    }
    if (absl::Status copied = Copy(piece, *file, buffer); !copied.ok()) return copied;
    written += piece.bytes;
  }
  return absl::OkStatus();
}

}  // namespace leat
