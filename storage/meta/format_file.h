#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/env/file_system.h"

// The file `format` of a data directory: what the directory is, and which one. storage/FORMAT.md gives its
// bytes. It is written last when a directory is set up, and never changed: where it is, all else must be.

namespace leat {

inline constexpr absl::string_view kFormatFileName = "format";
inline constexpr int kFormatVersion = 1;

struct FormatInfo {
  std::string data_id;     // UUID of the data directory
  std::string journal_id;  // UUID that its journal must carry (R16)
  int64_t created_ms = 0;  // since the Unix epoch
};

std::string EncodeFormat(const FormatInfo& info);

// kUnsupportedFormat for anything but whole, unchanged content of this version; the message says which of
// "newer", "damaged" and "not Leat's" it is.
absl::StatusOr<FormatInfo> DecodeFormat(absl::string_view text);

// What a path that shall become, or is, a data directory holds.
enum class DirectoryState {
  kMissing,     // no such directory
  kFresh,       // empty
  kUnfinished,  // a first start was interrupted before the directory had any content
  kFormatted,   // `format` is there; it has not been read
};

// Looks, changes nothing. kUnsupportedFormat when the directory holds something that is not Leat's, or Leat's
// data without `format`. "lost+found" is overlooked.
absl::StatusOr<DirectoryState> InspectDirectory(FileSystem& fs, const std::string& data_dir);

// kUnsupportedFormat, kStorageError.
absl::StatusOr<FormatInfo> ReadFormat(FileSystem& fs, const std::string& data_dir);

// Durable on return.
absl::Status WriteFormat(FileSystem& fs, const std::string& data_dir, const FormatInfo& info);

// A random (version 4) UUID in its text form, from 128 random bits.
std::string MakeUuid(uint64_t high, uint64_t low);

// A UUID's text as its 16 bytes, as other files of the directory name it, and back.
inline constexpr size_t kUuidBytes = 16;
std::string PackUuid(absl::string_view uuid);
std::string UnpackUuid(absl::string_view packed);

// True for 36 characters in the form of a UUID, lower case.
bool IsUuid(absl::string_view text);

}  // namespace leat
