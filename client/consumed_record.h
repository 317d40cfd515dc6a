#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/record.h"
#include "protocol/record/batch.h"
#include "protocol/record/record_iterator.h"

namespace leat {

class FetchedBatch;

// A record that was read. Copying it copies no bytes: it shares the memory of the fetch it came with, which
// lives as long as any record of it (up to ConsumerOptions::partition_bytes_max, plus the decompressed
// batch). Keep ToRecord() instead of a few records of many fetches. Reading from any thread.
class ConsumedRecord {
 public:
  ConsumedRecord(std::shared_ptr<const FetchedBatch> batch, const RecordView& view)
      : batch_(std::move(batch)), view_(view) {}

  const std::string& topic() const;
  int32_t partition() const;
  Offset offset() const { return view_.offset; }
  int64_t timestamp_ms() const { return view_.timestamp_ms; }
  // Valid as long as this object or a copy of it.
  const std::optional<absl::string_view>& key() const { return view_.key; }
  const std::optional<absl::string_view>& value() const { return view_.value; }
  HeaderIterator headers() const { return view_.headers; }
  // The value of the first header of this name; nothing when there is none or its value is null.
  std::optional<absl::string_view> header(absl::string_view key) const;

  // A copy that owns its bytes: topic, partition, key, value, headers and timestamp, ready to be sent again.
  Record ToRecord() const;

 private:
  std::shared_ptr<const FetchedBatch> batch_;
  RecordView view_;
};

// What one poll gives: records of several partitions, those of each in order of offset.
using ConsumedRecords = std::vector<ConsumedRecord>;

}  // namespace leat
