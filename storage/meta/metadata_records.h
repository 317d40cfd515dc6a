#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"

// The records of the metadata log: what each says, and its bytes (storage/FORMAT.md). Pure; any thread.

namespace leat {

using SettingList = std::vector<std::pair<std::string, std::string>>;

// Partition ids `first` .. `first + count - 1`.
struct IdRange {
  uint64_t first = 0;
  uint32_t count = 0;
  bool operator==(const IdRange&) const = default;
};

// A topic began to exist. Its partition numbers are 0 .. count-1, in the order of the ids.
struct TopicCreated {
  uint64_t topic_id = 0;
  std::string name;
  IdRange partitions;
  SettingList overrides;
  bool operator==(const TopicCreated&) const = default;
};

// Its settings are these from now on (all overrides, not a difference), and it has these partitions more.
struct TopicAltered {
  uint64_t topic_id = 0;
  IdRange added;  // count 0: none
  SettingList overrides;
  bool operator==(const TopicAltered&) const = default;
};

struct TopicDeleted {
  uint64_t topic_id = 0;
  bool operator==(const TopicDeleted&) const = default;
};

// An unclean start: batches appended from now on carry this leader epoch (R17).
struct LeaderEpochRaised {
  int32_t epoch = 0;
  bool operator==(const LeaderEpochRaised&) const = default;
};

// Records of the partition below `offset` are gone, whatever files are there (R15).
struct LogStartMoved {
  uint64_t partition_id = 0;
  Offset offset = 0;
  bool operator==(const LogStartMoved&) const = default;
};

using MetadataRecord =
    std::variant<TopicCreated, TopicAltered, TopicDeleted, LeaderEpochRaised, LogStartMoved>;

// The value of the record that says so; its key is null.
std::string EncodeMetadataRecord(const MetadataRecord& record);

// kUnsupportedFormat for a type or version that this program does not know; kDataLoss for anything malformed.
absl::StatusOr<MetadataRecord> DecodeMetadataRecord(absl::string_view bytes);

}  // namespace leat
