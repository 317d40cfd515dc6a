// Any bytes as a sequence of metadata records, each after a byte that says how long it is: decoded, encoded
// again and added up.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "storage/meta/metadata_records.h"
#include "storage/meta/metadata_state.h"

namespace leat {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckState(const MetadataState& state) {
  uint64_t partitions = 0;
  for (const auto& [name, topic] : state.topics()) {
    Require(topic.name == name && topic.id < state.next_topic_id() && !topic.partition_ids.empty());
    for (uint64_t id : topic.partition_ids) Require(id < state.next_partition_id());
    partitions += topic.partition_ids.size();
  }
  Require(partitions == state.partition_count());
}

}  // namespace
}  // namespace leat

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  leat::MetadataState state;
  while (size > 0) {
    const size_t length = std::min<size_t>(data[0], size - 1);
    const std::string bytes(reinterpret_cast<const char*>(data) + 1, length);
    data += 1 + length;
    size -= 1 + length;
    const absl::StatusOr<leat::MetadataRecord> record = leat::DecodeMetadataRecord(bytes);
    if (!record.ok()) continue;
    leat::Require(leat::EncodeMetadataRecord(*record) == bytes);
    const auto* created = std::get_if<leat::TopicCreated>(&*record);
    const auto* altered = std::get_if<leat::TopicAltered>(&*record);
    // A million ids in a record is allowed, and slow.
    if (created != nullptr && created->partitions.count > 1000) continue;
    if (altered != nullptr && altered->added.count > 1000) continue;
    const bool fits = state.Check(*record).ok();
    leat::Require(state.Apply(*record).ok() == fits);
  }
  leat::CheckState(state);
  return 0;
}
