#include "tests/support/memory_file_data.h"

#include <algorithm>
#include <map>

namespace leat {
namespace {

constexpr uint64_t kSectorBytes = 512;
constexpr double kTornSector = 0.125;  // how often a sector is torn inside

// What may be left of one sector: two of its versions, chosen independently.
struct SectorRemains {
  std::string head;
  std::string tail;
};
using Remains = std::map<uint64_t, SectorRemains>;

std::string SectorOf(const std::string& image, uint64_t sector) {
  std::string bytes;
  const uint64_t begin = sector * kSectorBytes;
  if (begin < image.size()) bytes = image.substr(begin, kSectorBytes);
  bytes.resize(kSectorBytes, '\0');
  return bytes;
}

// Offers the present version of the sectors in [begin, end) for survival.
void OfferVersion(const std::string& image, uint64_t begin, uint64_t end, const std::string& device,
                  double survival, SeededRandom& random, Remains& remains) {
  if (begin >= end) return;
  for (uint64_t sector = begin / kSectorBytes; sector * kSectorBytes < end; ++sector) {
    const auto [place, is_new] = remains.try_emplace(sector);
    SectorRemains& kept = place->second;
    if (is_new) kept.head = kept.tail = SectorOf(device, sector);
    if (random.Chance(survival)) kept.head = SectorOf(image, sector);
    if (random.Chance(survival)) kept.tail = SectorOf(image, sector);
  }
}

void PutSector(uint64_t sector, const SectorRemains& kept, SeededRandom& random, std::string& device) {
  const uint64_t tear = random.Chance(kTornSector) ? random.Below(kSectorBytes + 1) : kSectorBytes;
  const std::string bytes = kept.head.substr(0, tear) + kept.tail.substr(tear);
  const uint64_t begin = sector * kSectorBytes;
  if (device.size() < begin + kSectorBytes) device.resize(begin + kSectorBytes, '\0');
  device.replace(begin, kSectorBytes, bytes);
}

}  // namespace

void MemoryFileData::Apply(const Operation& operation, std::string& image) {
  switch (operation.kind) {
    case Kind::kWrite:
      if (operation.bytes.empty()) return;
      if (image.size() < operation.offset + operation.bytes.size()) {
        image.resize(operation.offset + operation.bytes.size(), '\0');
      }
      image.replace(operation.offset, operation.bytes.size(), operation.bytes);
      return;
    case Kind::kTruncate:
      image.resize(operation.offset, '\0');
      return;
    case Kind::kGrow:
      image.resize(std::max<uint64_t>(image.size(), operation.offset), '\0');
      return;
  }
}

void MemoryFileData::Write(uint64_t sequence, uint64_t offset, absl::string_view bytes) {
  if (bytes.empty()) return;
  unsynced_.push_back({sequence, Kind::kWrite, offset, std::string(bytes)});
  Apply(unsynced_.back(), content_);
}

void MemoryFileData::Truncate(uint64_t sequence, uint64_t size) {
  unsynced_.push_back({sequence, Kind::kTruncate, size, ""});
  Apply(unsynced_.back(), content_);
  reserved_ = std::min(reserved_, size);
}

void MemoryFileData::Reserve(uint64_t size) { reserved_ = std::max(reserved_, size); }

void MemoryFileData::Sync() {
  for (const Operation& operation : unsynced_) Apply(operation, device_);
  unsynced_.clear();
}

void MemoryFileData::FailSync() {
  for (Operation& operation : unsynced_) {
    if (operation.kind != Kind::kWrite) continue;
    operation = {operation.sequence, Kind::kGrow, operation.offset + operation.bytes.size(), ""};
  }
}

void MemoryFileData::DropCache() {
  content_ = device_;
  for (const Operation& operation : unsynced_) Apply(operation, content_);
}

void MemoryFileData::ListUnsynced(std::vector<uint64_t>& sequences) const {
  for (const Operation& operation : unsynced_) sequences.push_back(operation.sequence);
}

void MemoryFileData::LoseUnsynced() { Settle(); }

void MemoryFileData::KeepPrefix(uint64_t torn, SeededRandom& random) {
  for (Operation& operation : unsynced_) {
    if (operation.sequence > torn) break;
    if (operation.sequence == torn) {
      if (operation.kind != Kind::kWrite) break;
      operation.bytes.resize(random.Below(operation.bytes.size()));
    }
    Apply(operation, device_);
  }
  Settle();
}

void MemoryFileData::KeepSubset(double survival, SeededRandom& random) {
  if (unsynced_.empty()) return Settle();
  std::string image = device_;
  uint64_t size = device_.size();
  Remains remains;
  for (const Operation& operation : unsynced_) {
    const uint64_t size_before = image.size();
    Apply(operation, image);
    const uint64_t end = operation.kind == Kind::kWrite ? operation.offset + operation.bytes.size()
                                                        : std::max<uint64_t>(size_before, operation.offset);
    if (operation.kind != Kind::kGrow) {
      OfferVersion(image, operation.offset, end, device_, survival, random, remains);
    }
    if (random.Chance(survival)) size = image.size();
  }
  for (const auto& [sector, kept] : remains) PutSector(sector, kept, random, device_);
  device_.resize(size, '\0');
  Settle();
}

void MemoryFileData::Settle() {
  unsynced_.clear();
  content_ = device_;
  reserved_ = 0;
}

}  // namespace leat
