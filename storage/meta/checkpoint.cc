#include "storage/meta/checkpoint.h"

#include <algorithm>
#include <functional>

#include "absl/strings/str_cat.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/endian.h"
#include "protocol/record/error.h"
#include "storage/meta/format_file.h"
#include "storage/meta/layout.h"

namespace leat {
namespace {

constexpr absl::string_view kMagic = "LEATCKPT";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kCleanFlag = 1;
constexpr size_t kHeaderBytes = 64;
constexpr size_t kEntryBytes = 40;
constexpr size_t kUnprovenBytes = 8;
constexpr size_t kCrcBytes = 4;
constexpr uint64_t kFileBytesMax = 256 << 20;

absl::Status Damaged(absl::string_view what) {
  return MakeError(ErrorCode::kDataLoss, absl::StrCat("checkpoint: ", what));
}

template <typename T>
void Put(std::string& out, T value) {
  char encoded[sizeof(T)];
  StoreBigEndian(encoded, value);
  out.append(encoded, sizeof(T));
}

template <typename T>
T Take(absl::string_view& in) {
  const T value = LoadBigEndian<T>(in.data());
  in.remove_prefix(sizeof(T));
  return value;
}

CheckpointEntry TakeEntry(absl::string_view& in) {
  CheckpointEntry entry;
  entry.partition_id = Take<uint64_t>(in);
  entry.log_start = Take<Offset>(in);
  entry.synced = Take<Offset>(in);
  entry.segment_base = Take<Offset>(in);
  entry.position = Take<uint64_t>(in);
  return entry;
}

bool Plausible(const Checkpoint& checkpoint) {
  const CheckpointEntry* former = nullptr;
  for (const CheckpointEntry& entry : checkpoint.entries) {
    if (former != nullptr && former->partition_id >= entry.partition_id) return false;
    if (entry.log_start < 0 || entry.log_start > entry.synced) return false;
    if (entry.segment_base < 0 || entry.segment_base > entry.synced) return false;
    former = &entry;
  }
  const auto& unproven = checkpoint.unproven;
  return std::adjacent_find(unproven.begin(), unproven.end(), std::greater_equal<>()) == unproven.end();
}

// Magic, checksum, version. Every version ends with this checksum, so that a damaged one is not mistaken for
// a newer one.
absl::Status CheckWhole(absl::string_view bytes) {
  if (bytes.size() < kHeaderBytes + kCrcBytes) return Damaged("cut short");
  if (bytes.substr(0, kMagic.size()) != kMagic) return Damaged("it does not start as one");
  const absl::string_view covered = bytes.substr(0, bytes.size() - kCrcBytes);
  if (LoadBigEndian<uint32_t>(bytes.data() + covered.size()) != Crc32c(covered)) {
    return Damaged("its checksum does not match");
  }
  const auto version = LoadBigEndian<uint32_t>(bytes.data() + kMagic.size());
  if (version <= kVersion) return version == kVersion ? absl::OkStatus() : Damaged("unknown version");
  return MakeError(ErrorCode::kUnsupportedFormat,
                   absl::StrCat("checkpoint of version ", version, ", this program knows up to ", kVersion,
                                "; use the newer program that wrote it"));
}

}  // namespace

std::string EncodeCheckpoint(const Checkpoint& checkpoint) {
  std::string out(kMagic);
  out.reserve(kHeaderBytes + checkpoint.entries.size() * kEntryBytes +
              checkpoint.unproven.size() * kUnprovenBytes + kCrcBytes);
  Put(out, kVersion);
  Put(out, checkpoint.clean ? kCleanFlag : uint32_t{0});
  out += PackUuid(checkpoint.data_id);
  Put(out, checkpoint.sequence);
  Put(out, checkpoint.journal_epoch);
  Put(out, checkpoint.journal_oldest_sequence);
  Put(out, static_cast<uint32_t>(checkpoint.entries.size()));
  Put(out, static_cast<uint32_t>(checkpoint.unproven.size()));
  for (const CheckpointEntry& entry : checkpoint.entries) {
    Put(out, entry.partition_id);
    Put(out, entry.log_start);
    Put(out, entry.synced);
    Put(out, entry.segment_base);
    Put(out, entry.position);
  }
  for (uint64_t id : checkpoint.unproven) Put(out, id);
  Put(out, Crc32c(out));
  return out;
}

absl::StatusOr<Checkpoint> DecodeCheckpoint(absl::string_view bytes) {
  if (absl::Status whole = CheckWhole(bytes); !whole.ok()) return whole;
  absl::string_view in = bytes.substr(kMagic.size() + sizeof(kVersion));
  const auto flags = Take<uint32_t>(in);
  if ((flags & ~kCleanFlag) != 0) return Damaged("unknown flags");
  Checkpoint checkpoint;
  checkpoint.clean = flags == kCleanFlag;
  checkpoint.data_id = UnpackUuid(in.substr(0, kUuidBytes));
  in.remove_prefix(kUuidBytes);
  checkpoint.sequence = Take<uint64_t>(in);
  checkpoint.journal_epoch = Take<uint64_t>(in);
  checkpoint.journal_oldest_sequence = Take<uint64_t>(in);
  const uint64_t entries = Take<uint32_t>(in);
  const uint64_t unproven = Take<uint32_t>(in);
  if (in.size() != entries * kEntryBytes + unproven * kUnprovenBytes + kCrcBytes) {
    return Damaged("its length does not fit its counts");
  }
  checkpoint.entries.reserve(entries);
  for (uint64_t i = 0; i < entries; ++i) checkpoint.entries.push_back(TakeEntry(in));
  for (uint64_t i = 0; i < unproven; ++i) checkpoint.unproven.push_back(Take<uint64_t>(in));
  if (!Plausible(checkpoint)) return Damaged("its entries contradict each other");
  return checkpoint;
}

absl::StatusOr<CheckpointReading> ReadCheckpoint(FileSystem& fs, const std::string& meta_dir,
                                                 absl::string_view data_id) {
  CheckpointReading reading;
  const absl::StatusOr<std::string> bytes =
      ReadWholeFile(fs, absl::StrCat(meta_dir, "/", kCheckpointFileName), kFileBytesMax);
  if (absl::IsNotFound(bytes.status())) return reading;
  if (!bytes.ok()) return bytes.status();
  absl::StatusOr<Checkpoint> decoded = DecodeCheckpoint(*bytes);
  if (CodeOf(decoded.status()) == ErrorCode::kUnsupportedFormat) return decoded.status();
  if (decoded.ok() && decoded->data_id != data_id) {
    decoded = Damaged(absl::StrCat("it belongs to the data directory with the id ", decoded->data_id));
  }
  if (decoded.ok()) {
    reading.state = CheckpointReading::State::kValid;
    reading.checkpoint = *std::move(decoded);
  } else {
    reading.state = CheckpointReading::State::kUnreadable;
    reading.problem = std::string(decoded.status().message());
  }
  return reading;
}

absl::Status WriteCheckpoint(FileSystem& fs, const std::string& meta_dir, const Checkpoint& checkpoint) {
  return ReplaceFile(fs, meta_dir, std::string(kCheckpointFileName), EncodeCheckpoint(checkpoint));
}

}  // namespace leat
