#pragma once

#include <string>
#include <vector>

#include "client/record.h"

namespace leat {

// A RecordRef to a Record, and the header views that it needs. The record outlives it.
class RecordReference {
 public:
  explicit RecordReference(const Record& record) {
    ref_.topic = record.topic;
    ref_.partition = record.partition;
    if (record.key.has_value()) ref_.key = *record.key;
    if (record.value.has_value()) ref_.value = *record.value;
    headers_.reserve(record.headers.size());
    for (const RecordHeader& header : record.headers) {
      headers_.push_back({header.key, std::nullopt});
      if (header.value.has_value()) headers_.back().value = *header.value;
    }
    ref_.headers = headers_;
    ref_.timestamp_ms = record.timestamp_ms;
  }
  RecordReference(const RecordReference&) = delete;
  RecordReference& operator=(const RecordReference&) = delete;

  const RecordRef& operator*() const { return ref_; }

 private:
  std::vector<HeaderView> headers_;
  RecordRef ref_;
};

// A copy that owns its bytes.
inline Record OwnRecord(const RecordRef& ref) {
  Record record;
  record.topic = std::string(ref.topic);
  record.partition = ref.partition;
  if (ref.key.has_value()) record.key.emplace(*ref.key);
  if (ref.value.has_value()) record.value.emplace(*ref.value);
  for (const HeaderView& header : ref.headers) {
    record.headers.push_back({std::string(header.key), std::nullopt});
    if (header.value.has_value()) record.headers.back().value.emplace(*header.value);
  }
  record.timestamp_ms = ref.timestamp_ms;
  return record;
}

}  // namespace leat
