#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/record/batch.h"
#include "protocol/record/record_iterator.h"

namespace leat {

struct TopicPartition {
  std::string topic = {};
  int32_t partition = 0;

  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  friend bool operator==(const TopicPartition&, const TopicPartition&) = default;
};

// A header of a record: the key is never null, the value may be.
struct RecordHeader {
  std::string key;
  std::optional<std::string> value = std::nullopt;

  friend bool operator==(const RecordHeader&, const RecordHeader&) = default;
};

// A record that owns its bytes.
struct Record {
  std::string topic = {};
  std::optional<int32_t> partition = std::nullopt;  // nothing: chosen by key, or evenly when there is no key
  std::optional<std::string> key = std::nullopt;    // nothing is null, which is not the same as ""
  std::optional<std::string> value = std::nullopt;
  std::vector<RecordHeader> headers = {};
  std::optional<int64_t> timestamp_ms =
      std::nullopt;  // since 1970, UTC; nothing: the time of the call to Send
};

// A record whose bytes are the caller's; a producer copies them before Send returns. The cheapest way to
// send.
struct RecordRef {
  absl::string_view topic = {};
  std::optional<int32_t> partition = std::nullopt;
  std::optional<absl::string_view> key = std::nullopt;
  std::optional<absl::string_view> value = std::nullopt;
  absl::Span<const HeaderView> headers = {};
  std::optional<int64_t> timestamp_ms = std::nullopt;
};

// How far a record has to be before it is acknowledged.
enum class Acks : uint8_t {
  kDurable,  // on disk: survives power loss
  kWritten,  // in the daemon's page cache: survives the death of the daemon, not that of the machine
  kNone,     // handed to the network; nobody says whether it arrived
};

// "durable", "written", "none".
absl::string_view AcksName(Acks acks);
std::optional<Acks> ParseAcks(absl::string_view name);

// Where an acknowledged record is.
struct DeliveryReport {
  std::string topic = {};
  int32_t partition = 0;
  Offset offset = -1;        // -1 with Acks::kNone: unknown
  int64_t timestamp_ms = 0;  // as sent
  Acks level = Acks::kNone;  // what was reached
  // Acknowledged below the topic's own level: consumers cannot see it yet and a power loss may still take it.
  bool provisional = false;
};

}  // namespace leat
