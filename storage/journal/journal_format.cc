#include "storage/journal/journal_format.h"

#include <algorithm>
#include <cstring>

#include "protocol/record/crc32c.h"
#include "protocol/record/endian.h"
#include "storage/meta/format_file.h"

namespace leat {
namespace {

constexpr absl::string_view kMagic = "LEATJRNL";
constexpr uint32_t kVersion = 1;
constexpr size_t kHeaderBytes = 60;  // of the file, the checksum included
constexpr size_t kCrcBytes = 4;

size_t RoundUp(size_t bytes) {
  return (bytes + kJournalBlockBytes - 1) / kJournalBlockBytes * kJournalBlockBytes;
}

template <typename T>
char* Put(char* to, T value) {
  StoreBigEndian(to, value);
  return to + sizeof(T);
}

template <typename T>
T Take(const char*& from) {
  const T value = LoadBigEndian<T>(from);
  from += sizeof(T);
  return value;
}

// Everything but the checksum, which comes first and covers the rest and the payload.
void PutFrame(const JournalFrame& frame, char* to) {
  to = Put(to + kCrcBytes, static_cast<uint32_t>(frame.type));
  to = Put(to, frame.payload_bytes);
  to = Put(to, uint32_t{0});
  to = Put(to, frame.epoch);
  to = Put(to, frame.sequence);
  to = Put(to, frame.durable_sequence);
  to = Put(to, frame.partition_id);
  to = Put(to, frame.base_offset);
  to = Put(to, frame.end_offset);
  to = Put(to, frame.segment_base);
  Put(to, frame.position);
}

JournalFrame TakeFrame(const char* from) {
  from += kCrcBytes;
  JournalFrame frame;
  frame.type = static_cast<JournalFrameType>(Take<uint32_t>(from));
  frame.payload_bytes = Take<uint32_t>(from);
  from += sizeof(uint32_t);
  frame.epoch = Take<uint64_t>(from);
  frame.sequence = Take<uint64_t>(from);
  frame.durable_sequence = Take<uint64_t>(from);
  frame.partition_id = Take<uint64_t>(from);
  frame.base_offset = Take<Offset>(from);
  frame.end_offset = Take<Offset>(from);
  frame.segment_base = Take<Offset>(from);
  frame.position = Take<uint64_t>(from);
  return frame;
}

// What a writer could have meant. The checksum alone would take a run of luck for a frame.
bool Plausible(const JournalFrame& frame) {
  switch (frame.type) {
    case JournalFrameType::kData:
      return frame.payload_bytes > 0 && frame.base_offset >= 0 && frame.base_offset < frame.end_offset &&
             frame.segment_base >= 0 && frame.segment_base <= frame.base_offset;
    case JournalFrameType::kMark:
      return frame.payload_bytes == 0 && frame.base_offset >= 0 && frame.base_offset <= frame.end_offset &&
             frame.segment_base >= 0 && frame.segment_base <= frame.end_offset;
    case JournalFrameType::kTrailer:
      return frame.payload_bytes == 0;
  }
  return false;
}

}  // namespace

std::string EncodeJournalFileHeader(const JournalFileHeader& header) {
  std::string block(kJournalBlockBytes, '\0');
  std::memcpy(block.data(), kMagic.data(), kMagic.size());
  char* to = Put(block.data() + kMagic.size(), kVersion);
  to = Put(to, uint32_t{0});
  const std::string id = PackUuid(header.journal_id);
  std::memcpy(to, id.data(), id.size());
  to = Put(to + id.size(), header.epoch);
  to = Put(to, header.first_sequence);
  to = Put(to, header.accepted_sequence);
  Put(to, Crc32c({block.data(), kHeaderBytes - kCrcBytes}));
  return block;
}

JournalFileState DecodeJournalFileHeader(absl::string_view block, JournalFileHeader& header) {
  block = block.substr(0, kJournalBlockBytes);
  if (std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; })) {
    return JournalFileState::kBlank;
  }
  if (block.size() < kHeaderBytes || block.substr(0, kMagic.size()) != kMagic) {
    return JournalFileState::kDamaged;
  }
  const size_t covered = kHeaderBytes - kCrcBytes;
  if (LoadBigEndian<uint32_t>(block.data() + covered) != Crc32c(block.substr(0, covered))) {
    return JournalFileState::kDamaged;
  }
  const char* from = block.data() + kMagic.size();
  const auto version = Take<uint32_t>(from);
  if (version > kVersion) return JournalFileState::kNewer;
  if (version != kVersion || Take<uint32_t>(from) != 0) return JournalFileState::kDamaged;
  header.journal_id = UnpackUuid({from, kUuidBytes});
  from += kUuidBytes;
  header.epoch = Take<uint64_t>(from);
  header.first_sequence = Take<uint64_t>(from);
  header.accepted_sequence = Take<uint64_t>(from);
  return JournalFileState::kValid;
}

void JournalGroupBuilder::Begin(const Start& start) {
  start_ = start;
  next_sequence_ = start.first_sequence;
  starts_.clear();
  // A rare large group must not hold its memory for ever.
  constexpr size_t kKeptBytes = 4 << 20;
  if (buffer_.capacity() > kKeptBytes && buffer_.size() < buffer_.capacity() / 4) std::string().swap(buffer_);
  buffer_.clear();
}

char* JournalGroupBuilder::AddFrame(JournalFrame frame) {
  frame.epoch = start_.epoch;
  frame.sequence = next_sequence_++;
  frame.durable_sequence = start_.durable_sequence;
  starts_.push_back(buffer_.size());
  buffer_.resize(buffer_.size() + kJournalFrameBytes + frame.payload_bytes);
  char* const at = buffer_.data() + starts_.back();
  PutFrame(frame, at);
  return at + kJournalFrameBytes;
}

absl::Span<char> JournalGroupBuilder::AddData(const JournalFrame& place, uint32_t payload_bytes) {
  JournalFrame frame = place;
  frame.type = JournalFrameType::kData;
  frame.payload_bytes = payload_bytes;
  return {AddFrame(frame), payload_bytes};
}

void JournalGroupBuilder::AddMark(const CheckpointEntry& entry) {
  AddFrame({.type = JournalFrameType::kMark,
            .partition_id = entry.partition_id,
            .base_offset = entry.log_start,
            .end_offset = entry.synced,
            .segment_base = entry.segment_base,
            .position = entry.position});
}

absl::string_view JournalGroupBuilder::Finish() {
  AddFrame({.type = JournalFrameType::kTrailer, .partition_id = starts_.size()});
  for (size_t i = 0; i < starts_.size(); ++i) {
    const size_t end = i + 1 < starts_.size() ? starts_[i + 1] : buffer_.size();
    char* const at = buffer_.data() + starts_[i];
    StoreBigEndian(at, Crc32c({at + kCrcBytes, end - starts_[i] - kCrcBytes}));
  }
  buffer_.resize(RoundUp(buffer_.size()));
  return buffer_;
}

uint64_t JournalGroupBuilder::BytesOf(size_t frames, uint64_t payload_bytes) {
  return RoundUp((frames + 1) * kJournalFrameBytes + payload_bytes);
}

std::optional<JournalFrame> ParseJournalFrame(absl::string_view bytes) {
  if (bytes.size() < kJournalFrameBytes) return std::nullopt;
  const JournalFrame frame = TakeFrame(bytes.data());
  if (!Plausible(frame) || frame.payload_bytes > bytes.size() - kJournalFrameBytes) return std::nullopt;
  const absl::string_view covered =
      bytes.substr(kCrcBytes, kJournalFrameBytes - kCrcBytes + frame.payload_bytes);
  if (LoadBigEndian<uint32_t>(bytes.data()) != Crc32c(covered)) return std::nullopt;
  return frame;
}

std::optional<ParsedJournalGroup> ParseJournalGroup(absl::string_view bytes, uint64_t epoch,
                                                    uint64_t sequence) {
  ParsedJournalGroup group;
  for (size_t at = 0;;) {
    const std::optional<JournalFrame> frame = ParseJournalFrame(bytes.substr(at));
    if (!frame || frame->epoch != epoch || frame->sequence != sequence) return std::nullopt;
    const size_t payload = at + kJournalFrameBytes;
    at = payload + frame->payload_bytes;
    ++sequence;
    if (frame->type != JournalFrameType::kTrailer) {
      group.frames.push_back({*frame, payload});
      continue;
    }
    if (frame->partition_id != group.frames.size()) return std::nullopt;
    group.last_sequence = frame->sequence;
    group.bytes = RoundUp(at);
    return group;
  }
}

}  // namespace leat
