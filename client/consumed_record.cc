#include "client/consumed_record.h"

#include "client/internal/chunk_reader.h"

namespace leat {

const std::string& ConsumedRecord::topic() const { return batch_->topic(); }

int32_t ConsumedRecord::partition() const { return batch_->partition(); }

std::optional<absl::string_view> ConsumedRecord::header(absl::string_view key) const {
  HeaderIterator headers = view_.headers;
  HeaderView header;
  while (headers.Next(&header)) {
    if (header.key == key) return header.value;
  }
  return std::nullopt;
}

Record ConsumedRecord::ToRecord() const {
  Record record;
  record.topic = topic();
  record.partition = partition();
  if (key().has_value()) record.key.emplace(*key());
  if (value().has_value()) record.value.emplace(*value());
  HeaderIterator headers = view_.headers;
  HeaderView header;
  while (headers.Next(&header)) {
    record.headers.push_back({std::string(header.key), std::nullopt});
    if (header.value.has_value()) record.headers.back().value.emplace(*header.value);
  }
  record.timestamp_ms = timestamp_ms();
  return record;
}

}  // namespace leat
