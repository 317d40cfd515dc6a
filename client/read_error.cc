#include "client/read_error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "client/internal/read_error_maker.h"

namespace leat {
namespace {

constexpr absl::string_view kPartitionUrl = "leat/partition";
constexpr absl::string_view kBeginUrl = "leat/unreadable-begin";
constexpr absl::string_view kEndUrl = "leat/unreadable-end";

std::optional<std::string> PayloadOf(const absl::Status& status, absl::string_view url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

std::optional<Offset> OffsetOf(const absl::Status& status, absl::string_view url) {
  const std::optional<std::string> text = PayloadOf(status, url);
  Offset offset = 0;
  if (!text.has_value() || !absl::SimpleAtoi(*text, &offset)) return std::nullopt;
  return offset;
}

}  // namespace

std::optional<TopicPartition> PartitionOf(const absl::Status& status) {
  const std::optional<std::string> text = PayloadOf(status, kPartitionUrl);
  if (!text.has_value()) return std::nullopt;
  const size_t slash = text->rfind('/');  // not in names of topics
  if (slash == std::string::npos) return std::nullopt;
  TopicPartition id{text->substr(0, slash), 0};
  if (!absl::SimpleAtoi(text->substr(slash + 1), &id.partition)) return std::nullopt;
  return id;
}

std::optional<UnreadableRange> UnreadableRangeOf(const absl::Status& status) {
  const std::optional<TopicPartition> partition = PartitionOf(status);
  const std::optional<Offset> begin = OffsetOf(status, kBeginUrl);
  const std::optional<Offset> end = OffsetOf(status, kEndUrl);
  if (!partition.has_value() || !begin.has_value() || !end.has_value()) return std::nullopt;
  return UnreadableRange{*partition, *begin, *end};
}

void SetPartition(const TopicPartition& partition, absl::Status* status) {
  status->SetPayload(kPartitionUrl, absl::Cord(absl::StrCat(partition.topic, "/", partition.partition)));
}

absl::Status UnreadableError(ErrorCode code, const TopicPartition& partition, Offset begin,
                             std::optional<Offset> end, absl::string_view cause) {
  std::string place = absl::StrCat(partition.topic, "-", partition.partition, " at offset ", begin);
  if (end.has_value() && *end - begin > 1) absl::StrAppend(&place, " to ", *end - 1);
  if (end.has_value()) {
    absl::Status status =
        MakeError(code, absl::StrCat(place, ": ", cause, "; seek to offset ", *end, " to read on behind it"));
    SetPartition(partition, &status);
    status.SetPayload(kBeginUrl, absl::Cord(absl::StrCat(begin)));
    status.SetPayload(kEndUrl, absl::Cord(absl::StrCat(*end)));
    return status;
  }
  absl::Status status = MakeError(code, absl::StrCat(place, ": ", cause));
  SetPartition(partition, &status);
  return status;
}

}  // namespace leat
