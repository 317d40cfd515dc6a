#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/record/batch.h"
#include "protocol/record/batch_builder.h"
#include "protocol/record/record_iterator.h"

namespace leat {

inline constexpr int64_t kTestTime = 1700000000000;
inline constexpr Codec kAllCodecs[] = {Codec::kNone, Codec::kGzip, Codec::kSnappy, Codec::kLz4, Codec::kZstd};

// Two records: a null key with the value "a", then key "k" with a null value and the headers h=x and n=null.
inline constexpr absl::string_view kGoldenTwoRecords =
    "000000000000000000000048ffffffff029719140f0000000000010000018bcfe568000000018bcfe56805ffffffff"
    "ffffffffffffffffffff000000020e000000010261001c000a02026b010402680278026e01";
// The marker of an aborted transaction.
inline constexpr absl::string_view kGoldenAbortMarker =
    "000000000000006400000042000000030295f4be520030000000000000018bcfe568000000018bcfe56800"
    "0000000000000fa00001ffffffff000000012000000008000000000c00000000000900";

inline std::string FromHex(absl::string_view hex) { return absl::HexStringToBytes(hex); }

// A record that owns its bytes.
struct OwnedRecord {
  int64_t timestamp_ms = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;

  bool operator==(const OwnedRecord&) const = default;
};

inline std::optional<absl::string_view> View(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return absl::string_view(*bytes);
}

inline std::optional<std::string> Own(const std::optional<absl::string_view>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return std::string(*bytes);
}

// Valid as long as the record is.
inline std::vector<HeaderView> HeaderViews(const OwnedRecord& record) {
  std::vector<HeaderView> headers;
  headers.reserve(record.headers.size());
  for (const auto& [key, value] : record.headers) headers.push_back({key, View(value)});
  return headers;
}

inline void AddRecord(const OwnedRecord& record, BatchBuilder* builder) {
  builder->Add(record.timestamp_ms, View(record.key), View(record.value), HeaderViews(record));
}

inline std::string BuildBatch(const std::vector<OwnedRecord>& records, BatchOptions options = {}) {
  BatchBuilder builder(options);
  for (const OwnedRecord& record : records) AddRecord(record, &builder);
  return builder.Finish().value();
}

// A small batch with a bit of everything.
inline std::string SampleBatch(Codec codec) {
  BatchOptions options;
  options.codec = codec;
  options.producer_id = 7;
  options.producer_epoch = 0;
  options.base_sequence = 3;
  return BuildBatch({{kTestTime, "key", "value", {}},
                     {kTestTime + 5, std::nullopt, std::string(90, 'v'), {{"h", "x"}, {"n", std::nullopt}}},
                     {kTestTime + 2, "", std::nullopt, {}}},
                    options);
}

inline absl::StatusOr<std::vector<OwnedRecord>> ReadRecords(const BatchView& batch,
                                                            const DecodeLimits& limits = {}) {
  absl::StatusOr<RecordIterator> iterator = RecordIterator::Create(batch, limits);
  if (!iterator.ok()) return iterator.status();
  std::vector<OwnedRecord> records;
  while (true) {
    absl::StatusOr<std::optional<RecordView>> record = iterator->Next();
    if (!record.ok()) return record.status();
    if (!record->has_value()) return records;
    OwnedRecord owned{(*record)->timestamp_ms, Own((*record)->key), Own((*record)->value), {}};
    HeaderView header;
    while ((*record)->headers.Next(&header)) {
      owned.headers.emplace_back(std::string(header.key), Own(header.value));
    }
    records.push_back(std::move(owned));
  }
}

inline absl::StatusOr<std::vector<OwnedRecord>> ReadRecords(absl::string_view bytes) {
  absl::StatusOr<BatchView> batch = BatchView::Parse(bytes);
  if (!batch.ok()) return batch.status();
  return ReadRecords(*batch);
}

// A batch around `payload`, with a correct length and CRC and whatever else `header` says.
inline std::string WrapPayload(BatchHeader header, absl::string_view payload) {
  std::string batch(kBatchHeaderBytes, '\0');
  batch.append(payload.data(), payload.size());
  header.batch_length = static_cast<int32_t>(batch.size() - kBatchLengthOverhead);
  EncodeBatchHeader(header, absl::MakeSpan(batch));
  SealBatch(absl::MakeSpan(batch));
  return batch;
}

}  // namespace leat
