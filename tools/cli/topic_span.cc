#include "tools/cli/topic_span.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "protocol/record/error.h"
#include "tools/cli/exit_code.h"

namespace leat {
namespace {

using Kind = Position::Kind;

Offset PlaceOf(const Position& position, const PartitionBounds& bounds, const OffsetReply& at_time) {
  switch (position.kind) {
    case Kind::kStart:
      return bounds.log_start;
    case Kind::kEnd:
      return bounds.visible;
    case Kind::kOffset:
      return position.number;
    case Kind::kFromStart:
      return bounds.log_start + std::min(position.number, bounds.visible - bounds.log_start);
    case Kind::kFromEnd:
      return std::max(bounds.log_start, bounds.visible - std::min(position.number, bounds.visible));
    case Kind::kTime:
      break;
  }
  return at_time.offset;
}

bool IsTime(const std::optional<Position>& position) {
  return position.has_value() && position->kind == Kind::kTime;
}

void SetEnd(const RangeRequest& request, const PartitionBounds& bounds, PartitionSpan* span) {
  const std::optional<Position>& to = request.range.to;
  if (to.has_value()) {
    const bool still_to_come =
        to->kind == Kind::kTime && bounds.to_time.timestamp_ms < 0 && to->number > request.now_ms;
    if (still_to_come) {
      span->to_time_ms = to->number;
    } else {
      // What is not there yet is not waited for: partitions differ in length.
      span->to = std::min(PlaceOf(*to, bounds, bounds.to_time), bounds.visible);
    }
  }
  if (request.stop_at_end) span->to = std::min(span->to.value_or(bounds.visible), bounds.visible);
}

PartitionSpan SpanOf(const RangeRequest& request, const PartitionBounds& bounds,
                     std::vector<GoneRange>* gone) {
  PartitionSpan span;
  span.partition = bounds.partition;
  span.log_start = bounds.log_start;
  span.visible = bounds.visible;
  const Position from = request.range.from.value_or(Position{Kind::kStart, 0});
  span.from = PlaceOf(from, bounds, bounds.from_time);
  SetEnd(request, bounds, &span);
  if (span.from < bounds.log_start && !span.empty()) {
    gone->push_back(
        {bounds.partition, span.from, std::min(bounds.log_start, span.to.value_or(bounds.log_start))});
    span.from = bounds.log_start;
  }
  return span;
}

std::string DescribeBounds(const std::vector<PartitionBounds>& bounds) {
  constexpr size_t kShown = 8;
  std::vector<std::string> texts;
  for (const PartitionBounds& one : bounds) {
    if (texts.size() == kShown) {
      texts.push_back("...");
      break;
    }
    texts.push_back(
        one.visible > one.log_start
            ? absl::StrCat("partition ", one.partition, " holds ", one.log_start, " to ", one.visible - 1)
            : absl::StrCat("partition ", one.partition, " is empty and goes on at ", one.visible));
  }
  return absl::StrJoin(texts, ", ");
}

// A wanted partition that the topic has not, or nothing.
std::optional<uint32_t> MissingPartition(const std::vector<uint32_t>& wanted, uint32_t count) {
  const auto missing =
      std::find_if(wanted.begin(), wanted.end(), [count](uint32_t partition) { return partition >= count; });
  if (missing == wanted.end()) return std::nullopt;
  return *missing;
}

absl::Status AskForTimes(const Admin& admin, const std::string& topic,
                         const std::optional<Position>& position, OffsetReply PartitionBounds::*answer,
                         std::vector<PartitionBounds>* bounds) {
  if (!IsTime(position)) return absl::OkStatus();
  std::vector<OffsetQuestion> questions;
  for (const PartitionBounds& one : *bounds) {
    questions.push_back({{topic, one.partition}, OffsetQuestion::Kind::kTime, position->number});
  }
  auto replies = admin.ListOffsets(std::move(questions)).Get();
  if (!replies.ok()) return replies.status();
  for (size_t i = 0; i < bounds->size() && i < replies->size(); ++i) {
    if (!(*replies)[i].ok()) return (*replies)[i].status();
    (*bounds)[i].*answer = *(*replies)[i];
  }
  return absl::OkStatus();
}

}  // namespace

int64_t TopicSpan::expected_records() const {
  int64_t records = 0;
  for (const PartitionSpan& span : partitions) {
    records += std::max<int64_t>(0, std::min(span.to.value_or(span.visible), span.visible) - span.from);
  }
  return records;
}

absl::StatusOr<TopicSpan> ResolveSpan(const std::string& topic, const RangeRequest& request,
                                      const std::vector<PartitionBounds>& bounds) {
  const PositionRange& range = request.range;
  if (range.from.has_value() && range.to.has_value() && range.from->kind == range.to->kind &&
      (range.from->kind == Kind::kOffset || range.from->kind == Kind::kTime) &&
      range.from->number > range.to->number) {
    return UsageError("the range ends before it begins: --from lies behind --to");
  }
  const bool beyond_all = range.from.has_value() && range.from->kind == Kind::kOffset &&
                          std::all_of(bounds.begin(), bounds.end(), [&range](const PartitionBounds& one) {
                            return range.from->number > one.visible;
                          });
  if (beyond_all && !bounds.empty()) {
    return MakeError(ErrorCode::kOffsetOutOfRange,
                     absl::StrCat("offset ", range.from->number, " lies behind the end of topic '", topic,
                                  "': ", DescribeBounds(bounds)));
  }
  TopicSpan span;
  for (const PartitionBounds& one : bounds) span.partitions.push_back(SpanOf(request, one, &span.gone));
  return span;
}

absl::StatusOr<TopicSpan> LookUpSpan(const Admin& admin, const std::string& topic,
                                     const RangeRequest& request) {
  absl::StatusOr<TopicDescription> description = admin.DescribeTopic(topic).Get();
  if (!description.ok()) return description.status();
  const std::optional<uint32_t> missing = MissingPartition(request.partitions, description->topic.partitions);
  if (missing.has_value()) {
    const uint32_t count = description->topic.partitions;
    return MakeError(ErrorCode::kUnknownPartition,
                     absl::StrCat("topic '", topic, "' has no partition ", *missing, ", only 0",
                                  count > 1 ? absl::StrCat(" to ", count - 1) : std::string()));
  }
  std::vector<PartitionBounds> bounds;
  for (const PartitionDescription& partition : description->partitions) {
    if (!request.partitions.empty() &&
        !std::binary_search(request.partitions.begin(), request.partitions.end(), partition.partition)) {
      continue;
    }
    bounds.push_back({static_cast<int32_t>(partition.partition),
                      partition.log_start_offset,
                      partition.visible_offset,
                      {},
                      {}});
  }
  absl::Status status = AskForTimes(admin, topic, request.range.from, &PartitionBounds::from_time, &bounds);
  if (status.ok()) status = AskForTimes(admin, topic, request.range.to, &PartitionBounds::to_time, &bounds);
  if (!status.ok()) return status;
  absl::StatusOr<TopicSpan> span = ResolveSpan(topic, request, bounds);
  if (span.ok()) span->topic_partitions = description->topic.partitions;
  return span;
}

void AddGone(const GoneRange& range, std::vector<GoneRange>* gone) {
  if (!gone->empty() && gone->back().partition == range.partition && gone->back().to == range.from &&
      gone->back().damaged == range.damaged) {
    gone->back().to = range.to;
  } else {
    gone->push_back(range);
  }
}

int64_t CountGone(const std::vector<GoneRange>& gone) {
  int64_t offsets = 0;
  for (const GoneRange& range : gone) offsets += range.to - range.from;
  return offsets;
}

std::string DescribeGone(const std::vector<GoneRange>& gone) {
  constexpr size_t kShown = 20;
  std::vector<std::string> texts;
  for (const GoneRange& range : gone) {
    if (texts.size() == kShown) {
      texts.push_back(absl::StrCat("and ", gone.size() - kShown, " more ranges"));
      break;
    }
    const bool one = range.to - range.from == 1;
    texts.push_back(absl::StrCat(
        one ? "offset " : "offsets ", range.from, one ? std::string() : absl::StrCat(" to ", range.to - 1),
        " of partition ", range.partition, one ? " is " : " are ", range.damaged ? "damaged" : "gone"));
  }
  return absl::StrJoin(texts, ", ");
}

absl::Status RangeNotWhole(const std::vector<GoneRange>& gone) {
  if (gone.empty()) return absl::OkStatus();
  const bool damaged =
      std::any_of(gone.begin(), gone.end(), [](const GoneRange& range) { return range.damaged; });
  return absl::OutOfRangeError(absl::StrCat(
      "the range is not whole: ", DescribeGone(gone),
      damaged ? "; 'leat log verify' on the data directory of the stopped daemon tells what is damaged"
              : ""));
}

}  // namespace leat
