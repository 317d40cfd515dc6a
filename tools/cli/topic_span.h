#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/admin.h"
#include "tools/cli/position.h"

// From the places that people name (--from, --to) to offsets in each partition.

namespace leat {

// What one partition holds, and where a time named in the range falls in it.
struct PartitionBounds {
  int32_t partition = 0;
  Offset log_start = 0;
  Offset visible = 0;
  OffsetReply from_time;  // answers, where the range names times
  OffsetReply to_time;
};

// The records wanted of one partition: offsets [from, to).
struct PartitionSpan {
  int32_t partition = 0;
  Offset from = 0;
  std::optional<Offset> to;           // nothing: no end
  std::optional<int64_t> to_time_ms;  // or when the first record of this time or later comes
  // Bounds when the range was looked up.
  Offset log_start = 0;
  Offset visible = 0;

  bool empty() const { return to.has_value() && *to <= from; }
};

// Offsets that were asked for and cannot be had.
struct GoneRange {
  int32_t partition = 0;
  Offset from = 0;
  Offset to = 0;
  bool damaged = false;  // else no longer kept
};

struct TopicSpan {
  uint32_t topic_partitions = 0;  // that the topic has, wanted or not
  std::vector<PartitionSpan> partitions;
  std::vector<GoneRange> gone;

  // Records between `from` and the ends at look-up time: a good guess of how many will come.
  int64_t expected_records() const;
};

struct RangeRequest {
  PositionRange range;
  std::vector<uint32_t> partitions;  // empty: all
  bool stop_at_end = false;          // never beyond what is visible now
  int64_t now_ms = 0;
};

// Asks the daemon. kUnknownTopic, kUnknownPartition, kOffsetOutOfRange (with what there is).
absl::StatusOr<TopicSpan> LookUpSpan(const Admin& admin, const std::string& topic,
                                     const RangeRequest& request);

// The decision alone. Pure.
absl::StatusOr<TopicSpan> ResolveSpan(const std::string& topic, const RangeRequest& request,
                                      const std::vector<PartitionBounds>& bounds);

// Adds a range; one that continues the last one of its kind makes that longer.
void AddGone(const GoneRange& range, std::vector<GoneRange>* gone);

int64_t CountGone(const std::vector<GoneRange>& gone);

// "offsets 0 to 99 of partition 3 are gone" for each (not for hundreds of them), joined by ", ".
std::string DescribeGone(const std::vector<GoneRange>& gone);

// What a command ends with when part of its range was gone; OK when nothing was.
absl::Status RangeNotWhole(const std::vector<GoneRange>& gone);

}  // namespace leat
