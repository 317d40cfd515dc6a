#include "tests/support/batch_factory.h"

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "protocol/record/record_iterator.h"
#include "protocol/record/validate.h"

namespace leat {
namespace {

std::optional<absl::string_view> View(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return absl::string_view(*bytes);
}

std::optional<std::string> Own(const std::optional<absl::string_view>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return std::string(*bytes);
}

TestRecord Own(const RecordView& view) {
  TestRecord record{view.offset, view.timestamp_ms, Own(view.key), Own(view.value), {}};
  HeaderIterator headers = view.headers;
  for (HeaderView header; headers.Next(&header);) {
    record.headers.emplace_back(std::string(header.key), Own(header.value));
  }
  return record;
}

absl::Status DecodeBatch(const BatchView& batch, std::vector<TestRecord>& records) {
  absl::StatusOr<RecordIterator> iterator = RecordIterator::Create(batch);
  if (!iterator.ok()) return iterator.status();
  for (;;) {
    const absl::StatusOr<std::optional<RecordView>> record = iterator->Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) return absl::OkStatus();
    records.push_back(Own(**record));
  }
}

std::optional<std::string> MaybeBytes(size_t bytes_max, SeededRandom& random) {
  if (random.Chance(0.125)) return std::nullopt;
  return random.Bytes(random.Below(bytes_max + 1));
}

}  // namespace

std::string MakeBatch(const std::vector<TestRecord>& records, const BatchOptions& options) {
  BatchBuilder builder(options);
  for (const TestRecord& record : records) {
    std::vector<HeaderView> headers;
    for (const auto& [key, value] : record.headers) headers.push_back({key, View(value)});
    builder.Add(record.timestamp_ms, View(record.key), View(record.value), headers);
  }
  absl::StatusOr<std::string> batch = builder.Finish();
  EXPECT_TRUE(batch.ok()) << batch.status();
  return batch.ok() ? *std::move(batch) : "";
}

std::string MakeValueBatch(const std::vector<std::string>& values, int64_t timestamp_ms) {
  std::vector<TestRecord> records;
  for (const std::string& value : values) records.push_back({0, timestamp_ms, std::nullopt, value, {}});
  return MakeBatch(records);
}

std::string AtOffset(std::string batch, Offset base_offset, int32_t leader_epoch) {
  StampBatch(absl::MakeSpan(batch), base_offset, leader_epoch);
  return batch;
}

std::vector<TestRecord> RandomRecords(size_t count, size_t value_bytes_max, SeededRandom& random) {
  std::vector<TestRecord> records(count);
  int64_t timestamp_ms = TestRecord().timestamp_ms;
  for (TestRecord& record : records) {
    record.timestamp_ms = timestamp_ms += random.Between(0, 10);
    record.key = MaybeBytes(16, random);
    record.value = MaybeBytes(value_bytes_max, random);
    for (uint64_t i = random.Chance(0.25) ? random.Below(4) : 0; i > 0; --i) {
      record.headers.emplace_back("h" + std::to_string(i), MaybeBytes(8, random));
    }
  }
  return records;
}

absl::StatusOr<std::vector<TestRecord>> DecodeBatches(absl::string_view bytes) {
  std::vector<TestRecord> records;
  while (!bytes.empty()) {
    const absl::StatusOr<BatchView> batch = CheckStoredBatch(bytes);
    if (!batch.ok()) return batch.status();
    if (absl::Status decoded = DecodeBatch(*batch, records); !decoded.ok()) return decoded;
    bytes.remove_prefix(batch->bytes().size());
  }
  return records;
}

}  // namespace leat
