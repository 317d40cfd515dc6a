// Any bytes as a record batch: header, checks of broker and log, records, headers.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"
#include "protocol/record/error.h"
#include "protocol/record/record_iterator.h"
#include "protocol/record/validate.h"

namespace leat {
namespace {

constexpr size_t kDecompressedMax = 1024 * 1024;

// The first byte of the input: whether magic, length and CRC are made to fit, so that what lies behind these
// checks is reached, and how deep validation looks.
constexpr uint8_t kRepair = 0x01;
constexpr uint8_t kValidationShift = 1;

void Require(bool condition) {
  if (!condition) std::abort();
}

void Repair(std::string* batch) {
  if (batch->size() < kBatchHeaderBytes) return;
  BatchHeader header = DecodeBatchHeader(*batch);
  header.magic = kBatchMagic;
  header.batch_length = static_cast<int32_t>(batch->size() - kBatchLengthOverhead);
  EncodeBatchHeader(header, absl::MakeSpan(*batch));
  SealBatch(absl::MakeSpan(*batch));
}

size_t Touch(absl::string_view bytes) {
  size_t sum = bytes.size();
  for (const char byte : bytes) sum += static_cast<uint8_t>(byte);
  return sum;
}

// Reads all there is to read; -1 when it ends with an error, else the number of records.
int64_t CountRecords(const BatchView& batch) {
  absl::StatusOr<RecordIterator> iterator =
      RecordIterator::Create(batch, {.decompressed_bytes_max = kDecompressedMax});
  if (!iterator.ok()) return -1;
  size_t sum = 0;
  for (int64_t count = 0;; ++count) {
    absl::StatusOr<std::optional<RecordView>> record = iterator->Next();
    if (!record.ok()) return -1;
    if (!record->has_value()) {
      volatile size_t used = sum;
      static_cast<void>(used);
      return count;
    }
    Require((*record)->offset >= batch.header().base_offset &&
            (*record)->offset <= batch.header().last_offset());
    sum += Touch((*record)->key.value_or("")) + Touch((*record)->value.value_or(""));
    HeaderView header;
    int32_t headers = (*record)->headers.left();
    while ((*record)->headers.Next(&header)) {
      --headers;
      sum += Touch(header.key) + Touch(header.value.value_or(""));
    }
    Require(headers == 0);
  }
}

void Run(uint8_t mode, absl::string_view bytes) {
  ValidationOptions options;
  options.validation = static_cast<Validation>((mode >> kValidationShift) % 3);
  options.timestamp_min_ms = std::numeric_limits<int64_t>::min();
  options.decompressed_bytes_max = kDecompressedMax;
  const absl::StatusOr<BatchHeader> valid = ValidateBatch(bytes, options);
  const absl::StatusOr<BatchView> view = BatchView::Parse(bytes);
  const absl::StatusOr<BatchView> stored = CheckStoredBatch(bytes);
  if (!view.ok()) {
    Require(!valid.ok() && !stored.ok());
    return;
  }
  const int64_t count = CountRecords(*view);
  if (!valid.ok()) return;
  // What the broker takes, readers can read.
  Require(stored.ok());
  const bool opened = options.validation == Validation::kDeep ||
                      (options.validation == Validation::kParse && valid->codec_id() == 0);
  if (!opened) return;
  Require(count == valid->record_count);
  // What is good through and through passes the checks that do not open it.
  options.validation = Validation::kParse;
  Require(ValidateBatch(bytes, options).ok());
}

}  // namespace
}  // namespace leat

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // A string of the exact size, so that the sanitizer sees a read beyond its end.
  std::string batch(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & leat::kRepair) != 0) leat::Repair(&batch);
  leat::Run(data[0], batch);
  return 0;
}
