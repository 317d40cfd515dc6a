// Any bytes as a segment's log file: the scanner ends, stays inside the file, and what it calls a batch is
// one.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/record/validate.h"
#include "storage/log/segment_scanner.h"

namespace leat {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Bytes that somebody else owns, as a file.
class BytesFile final : public File {
 public:
  explicit BytesFile(absl::string_view bytes) : bytes_(bytes) {}
  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> out) const override {
    if (offset >= bytes_.size()) return size_t{0};
    const absl::string_view part = bytes_.substr(static_cast<size_t>(offset), out.size());
    std::memcpy(out.data(), part.data(), part.size());
    return part.size();
  }
  absl::Status WriteAt(uint64_t, absl::Span<const absl::string_view>) override { std::abort(); }
  absl::Status Sync() override { std::abort(); }
  absl::StatusOr<uint64_t> Size() const override { return bytes_.size(); }
  absl::Status Truncate(uint64_t) override { std::abort(); }
  absl::Status Reserve(uint64_t) override { std::abort(); }
  absl::Status DropCache() override { return absl::OkStatus(); }
  int NativeHandle() const override { return -1; }

 private:
  const absl::string_view bytes_;
};

// Gives every batch that fits the checksum it should have, so that what lies behind the check is reached.
void Repair(std::string* log) {
  for (size_t at = 0; at + kBatchHeaderBytes <= log->size();) {
    absl::StatusOr<BatchHeader> header = ParseBatchHeader(absl::string_view(*log).substr(at));
    if (!header.ok() || header->total_bytes() > log->size() - at) return;
    SealBatch(absl::MakeSpan(*log).subspan(at, header->total_bytes()));
    at += header->total_bytes();
  }
}

uint64_t Scan(absl::string_view log, ScanDepth depth, size_t chunk_bytes, Offset expected) {
  const BytesFile file(log);
  SegmentScanner scanner(
      file, {.to = log.size(), .expected = expected, .depth = depth, .chunk_bytes = chunk_bytes});
  uint64_t position = 0;
  while (true) {
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    Require(batch.ok());
    if (!batch->has_value()) break;
    Require((*batch)->position == position && (*batch)->next_position() <= log.size());
    position = (*batch)->next_position();
    if (depth != ScanDepth::kChecked) continue;
    absl::StatusOr<BatchView> view = BatchView::Parse(log.substr(static_cast<size_t>((*batch)->position)));
    Require(view.ok() && view->CheckCrc().ok());
  }
  Require(scanner.position() == position);
  Require(scanner.damage().has_value() == (position < log.size()));
  if (!scanner.damage()) return position;
  absl::StatusOr<std::optional<ScannedBatch>> after = scanner.FindBatchAfterDamage();
  Require(after.ok());
  if (after->has_value()) {
    Require((*after)->position > position && (*after)->next_position() <= log.size());
  }
  return position;
}

}  // namespace
}  // namespace leat

// The first byte: whether checksums are made to fit, and how much is read at once.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string log(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) leat::Repair(&log);
  const size_t chunk = size_t{1} << (data[0] >> 4);
  const leat::Offset expected = (data[0] & 2) != 0 ? 0 : -1;
  const uint64_t checked = leat::Scan(log, leat::ScanDepth::kChecked, chunk, expected);
  const uint64_t headers = leat::Scan(log, leat::ScanDepth::kHeaders, chunk, expected);
  if (headers < checked) std::abort();
  return 0;
}
