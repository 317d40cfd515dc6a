#include "storage/meta/format_file.h"

#include <optional>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/error.h"
#include "storage/meta/layout.h"
#include "storage/partition_dirs.h"

namespace leat {
namespace {

constexpr absl::string_view kProductLine = "leat data directory";
constexpr uint64_t kFormatBytesMax = 4096;

absl::Status Unsupported(absl::string_view what) {
  return MakeError(ErrorCode::kUnsupportedFormat, absl::StrCat("file \"format\": ", what));
}

// Takes the next line off `text` when it is "<key> <value>" and gives the value.
std::optional<absl::string_view> TakeField(absl::string_view& text, absl::string_view key) {
  const size_t end = text.find('\n');
  if (end == absl::string_view::npos) return std::nullopt;
  absl::string_view line = text.substr(0, end);
  if (!absl::ConsumePrefix(&line, key) || !absl::ConsumePrefix(&line, " ")) return std::nullopt;
  text.remove_prefix(end + 1);
  return line;
}

// The version is looked at first: only versions that we know have a checksum where we expect it.
absl::Status CheckVersion(absl::string_view& text) {
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, absl::StrCat(kProductLine, "\n"))) {
    return Unsupported("not written by Leat, or damaged");
  }
  const std::optional<absl::string_view> version_text = TakeField(rest, "version");
  int version = 0;
  if (!version_text.has_value() || !absl::SimpleAtoi(*version_text, &version) || version < 1) {
    return Unsupported("damaged: it has no version");
  }
  if (version > kFormatVersion) {
    return Unsupported(absl::StrCat("the directory has format version ", version,
                                    ", this program knows up to ", kFormatVersion,
                                    "; use the newer program that wrote it"));
  }
  text = rest;
  return absl::OkStatus();
}

absl::Status CheckChecksum(absl::string_view text) {
  const size_t last_line = text.rfind("crc32c ");
  absl::string_view line =
      last_line == absl::string_view::npos ? absl::string_view() : text.substr(last_line);
  if (line != absl::StrFormat("crc32c %08x\n", Crc32c(text.substr(0, last_line)))) {
    return Unsupported("damaged: its checksum does not match");
  }
  return absl::OkStatus();
}

// `format` comes last at the first start: before it there are these names and no record.
absl::StatusOr<bool> IsUnfinishedStart(FileSystem& fs, const std::string& data_dir, const DirEntry& entry) {
  if (!entry.is_directory) return entry.name == kLockFileName || entry.name == "format.tmp";
  const std::string path = absl::StrCat(data_dir, "/", entry.name);
  if (entry.name == kTopicsDirName || entry.name == kDeletedDirName) {
    const absl::StatusOr<std::vector<DirEntry>> inside = fs.List(path);
    if (!inside.ok()) return inside.status();
    return inside->empty();
  }
  if (entry.name != kMetaDirName) return false;
  const absl::StatusOr<std::vector<DirEntry>> inside = fs.List(path);
  if (!inside.ok()) return inside.status();
  for (const DirEntry& child : *inside) {
    if (child.name == kCheckpointFileName || child.name == absl::StrCat(kCheckpointFileName, ".tmp"))
      continue;
    if (child.name != kMetadataLogDirName || !child.is_directory) return false;
    const absl::StatusOr<bool> records = HoldsRecords(fs, absl::StrCat(path, "/", child.name));
    if (!records.ok()) return records.status();
    if (*records) return false;
  }
  return true;
}

}  // namespace

std::string EncodeFormat(const FormatInfo& info) {
  std::string text = absl::StrCat(kProductLine, "\nversion ", kFormatVersion, "\ndata_id ", info.data_id,
                                  "\njournal_id ", info.journal_id, "\ncreated_ms ", info.created_ms, "\n");
  absl::StrAppendFormat(&text, "crc32c %08x\n", Crc32c(text));
  return text;
}

absl::StatusOr<FormatInfo> DecodeFormat(absl::string_view text) {
  absl::string_view rest = text;
  if (absl::Status known = CheckVersion(rest); !known.ok()) return known;
  if (absl::Status whole = CheckChecksum(text); !whole.ok()) return whole;
  FormatInfo info;
  const std::optional<absl::string_view> data_id = TakeField(rest, "data_id");
  const std::optional<absl::string_view> journal_id = TakeField(rest, "journal_id");
  const std::optional<absl::string_view> created = TakeField(rest, "created_ms");
  if (!data_id.has_value() || !journal_id.has_value() || !created.has_value() || !IsUuid(*data_id) ||
      !IsUuid(*journal_id) || !absl::SimpleAtoi(*created, &info.created_ms)) {
    return Unsupported("damaged: a field is missing or malformed");
  }
  info.data_id = std::string(*data_id);
  info.journal_id = std::string(*journal_id);
  return info;
}

absl::StatusOr<DirectoryState> InspectDirectory(FileSystem& fs, const std::string& data_dir) {
  const absl::StatusOr<std::vector<DirEntry>> entries = fs.List(data_dir);
  if (absl::IsNotFound(entries.status())) return DirectoryState::kMissing;
  if (!entries.ok()) return entries.status();
  DirectoryState state = DirectoryState::kFresh;
  std::string foreign;
  for (const DirEntry& entry : *entries) {
    if (entry.name == "lost+found") continue;
    if (entry.name == kFormatFileName) return DirectoryState::kFormatted;
    state = DirectoryState::kUnfinished;
    const absl::StatusOr<bool> ours = IsUnfinishedStart(fs, data_dir, entry);
    if (!ours.ok()) return ours.status();
    if (!*ours && foreign.empty()) foreign = entry.name;
  }
  if (foreign.empty()) return state;
  return MakeError(
      ErrorCode::kUnsupportedFormat,
      absl::StrCat(data_dir, " is not empty (it holds \"", foreign,
                   "\") and has no file \"format\", so it is not a data directory of Leat; use an "
                   "empty directory, or restore the file"));
}

absl::StatusOr<FormatInfo> ReadFormat(FileSystem& fs, const std::string& data_dir) {
  const std::string path = absl::StrCat(data_dir, "/", kFormatFileName);
  const absl::StatusOr<std::unique_ptr<File>> file = fs.Open(path, OpenMode::kRead);
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> size = (*file)->Size();
  if (!size.ok()) return size.status();
  if (*size > kFormatBytesMax) return Unsupported("not written by Leat: it is too long");
  const absl::StatusOr<std::string> text = ReadWholeFile(fs, path, kFormatBytesMax);
  if (!text.ok()) return text.status();
  return DecodeFormat(*text);
}

absl::Status WriteFormat(FileSystem& fs, const std::string& data_dir, const FormatInfo& info) {
  return ReplaceFile(fs, data_dir, std::string(kFormatFileName), EncodeFormat(info));
}

std::string MakeUuid(uint64_t high, uint64_t low) {
  high = (high & 0xffffffffffff0fffULL) | 0x4000;               // version 4
  low = (low & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;  // the variant of RFC 4122
  return absl::StrFormat("%08x-%04x-%04x-%04x-%012x", high >> 32, (high >> 16) & 0xffff, high & 0xffff,
                         low >> 48, low & 0xffffffffffffULL);
}

std::string PackUuid(absl::string_view uuid) {
  std::string packed = absl::HexStringToBytes(absl::StrReplaceAll(uuid, {{"-", ""}}));
  packed.resize(kUuidBytes);
  return packed;
}

std::string UnpackUuid(absl::string_view packed) {
  const std::string hex = absl::BytesToHexString(packed);
  const absl::string_view all = hex;
  return absl::StrCat(all.substr(0, 8), "-", all.substr(8, 4), "-", all.substr(12, 4), "-", all.substr(16, 4),
                      "-") +
         std::string(all.substr(20));
}

bool IsUuid(absl::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

}  // namespace leat
