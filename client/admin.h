#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/future.h"
#include "client/record.h"
#include "client/server_description.h"
#include "protocol/record/batch.h"

namespace leat {

using SettingList = std::vector<std::pair<std::string, std::string>>;  // name, value

struct NewTopic {
  std::string name;
  uint32_t partitions = 0;  // 0: the broker's default
  SettingList settings = {};
  bool if_not_exists = false;  // success, and no change, when there is one
  bool validate_only = false;  // check, but do not create
};

struct CreatedTopic {
  uint64_t topic_id = 0;
  uint32_t partitions = 0;
  bool created = false;  // false: it was there already, or the request only asked whether it could be
};

struct TopicUpdate {
  std::string name;
  SettingList set = {};
  std::vector<std::string> reset = {};  // names of settings that go back to the default
  uint32_t partitions = 0;              // 0: as it is; never fewer than now
  bool validate_only = false;
};

struct TopicSummary {
  std::string name;
  uint64_t topic_id = 0;
  uint32_t partitions = 0;
  Acks durability = Acks::kDurable;  // from which level on consumers see a record
};

struct PartitionDescription {
  uint32_t partition = 0;
  uint64_t partition_id = 0;
  Offset log_start_offset = 0;
  Offset durable_offset = 0;
  Offset visible_offset = 0;
  Offset end_offset = 0;
  uint64_t bytes = 0;
  uint32_t segments = 0;
  int32_t leader_epoch = 0;
  absl::Status state;  // why the partition refuses writes, if it does
  // What was damaged or gone when the broker started, by offset: reads there get kDataLoss. The second offset
  // of each is the first behind it.
  std::vector<std::pair<Offset, Offset>> lost;
};

struct TopicDescription {
  TopicSummary topic;
  std::vector<SettingDescription> settings;  // all, those at their default too
  std::vector<PartitionDescription> partitions;
};

// A question for an offset, and its answer.
struct OffsetQuestion {
  enum class Kind : uint8_t {
    kStart,    // the oldest record kept
    kEnd,      // visible offset
    kDurable,  // durable offset
    kTime,     // first visible record with timestamp_ms or later; the visible offset when there is none
  };
  TopicPartition partition = {};
  Kind kind = Kind::kEnd;
  int64_t timestamp_ms = 0;  // of kTime
};

struct OffsetReply {
  Offset offset = 0;
  int64_t timestamp_ms = -1;  // of the record that kTime found, else -1
};

// Everything but producing and consuming. Each call is repeated over restarts of the daemon until the
// client's operation_timeout (kTimedOut or kUnavailable then). Creating and deleting that is repeated after a
// lost reply may find its own work done: kTopicExists and kUnknownTopic are then not reported. Any thread;
// small; copies share the client.
class Admin {
 public:
  explicit Admin(const Client& client) : core_(client.core()) {}

  // kTopicExists, kInvalidTopicName, kInvalidPartitionCount, kInvalidConfig, kLimitExceeded.
  Future<absl::StatusOr<CreatedTopic>> CreateTopic(NewTopic topic) const;
  // kUnknownTopic. Returns when the records are out of reach; disk space follows.
  Future<absl::Status> DeleteTopic(std::string name) const;
  Future<absl::StatusOr<TopicDescription>> DescribeTopic(std::string name) const;
  // Gives the partition count after the change.
  Future<absl::StatusOr<uint32_t>> AlterTopic(TopicUpdate update) const;
  // By name.
  Future<absl::StatusOr<std::vector<TopicSummary>>> ListTopics(bool include_internal = false) const;
  // One reply per question, in its order; kUnknownTopic, kUnknownPartition for each by itself.
  Future<absl::StatusOr<std::vector<absl::StatusOr<OffsetReply>>>> ListOffsets(
      std::vector<OffsetQuestion> questions) const;
  // With the counters and gauges, and with the daemon's settings, if asked.
  Future<absl::StatusOr<ServerDescription>> DescribeServer(bool metrics = false, bool settings = false) const;

 private:
  std::shared_ptr<ClientCore> core_;
};

}  // namespace leat
