#include "storage/meta/topic_config.h"

#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "protocol/record/error.h"
#include "storage/meta/setting_text.h"

namespace leat {
namespace {

constexpr int64_t kMinute = 60 * 1000;
constexpr int64_t kYear = 365LL * 24 * 3600 * 1000;
constexpr int64_t kAny = -1;
constexpr absl::string_view kAnyText = "any";

enum class Kind { kBytes, kMilliseconds, kMillisecondsOrAny, kEnum };

// One row: what people see, and how to reach the field.
struct Row {
  TopicSettingInfo info;
  Kind kind;
  int64_t TopicConfig::*number = nullptr;
  int64_t least = 0;
  int64_t most = 0;
  bool (*set_enum)(TopicConfig&, absl::string_view) = nullptr;
  absl::string_view (*get_enum)(const TopicConfig&) = nullptr;
};

bool SetDurability(TopicConfig& config, absl::string_view value) {
  if (value == "durable") {
    config.durability = TopicDurability::kDurable;
  } else if (value == "written") {
    config.durability = TopicDurability::kWritten;
  } else {
    return false;
  }
  return true;
}

absl::string_view GetDurability(const TopicConfig& config) {
  return config.durability == TopicDurability::kDurable ? "durable" : "written";
}

bool SetValidation(TopicConfig& config, absl::string_view value) {
  if (value == "header") {
    config.validation = Validation::kHeader;
  } else if (value == "parse") {
    config.validation = Validation::kParse;
  } else if (value == "deep") {
    config.validation = Validation::kDeep;
  } else {
    return false;
  }
  return true;
}

absl::string_view GetValidation(const TopicConfig& config) {
  switch (config.validation) {
    case Validation::kHeader:
      return "header";
    case Validation::kParse:
      return "parse";
    case Validation::kDeep:
      return "deep";
  }
  return {};
}

// Positions in an index are 32 bits wide, which bounds a segment.
constexpr Row kRows[] = {
    {{"durability", "enum", "durable|written",
      "What consumers may see: records that survive a power loss, or records that are written to the page "
      "cache, of which a power loss may take the last ones."},
     Kind::kEnum,
     nullptr,
     0,
     0,
     SetDurability,
     GetDurability},
    {{"validation", "enum", "header|parse|deep",
      "How far a batch is checked on arrival: header and checksum; also the records of uncompressed batches, "
      "and of compressed ones the frames, the records where they are small or may be a bomb; all records."},
     Kind::kEnum,
     nullptr,
     0,
     0,
     SetValidation,
     GetValidation},
    {{"segment_bytes", "bytes", "1KiB..2147483647",
      "A segment that would grow beyond this is closed and a new one begun."},
     Kind::kBytes,
     &TopicConfig::segment_bytes,
     1024,
     std::numeric_limits<int32_t>::max()},
    {{"segment_ms", "ms", "1s..3650d",
      "A segment whose first record is older than this is closed and a new one begun."},
     Kind::kMilliseconds,
     &TopicConfig::segment_ms,
     1000,
     10 * kYear},
    {{"index_interval_bytes", "bytes", "0..1GiB", "Distance between two entries of the offset index."},
     Kind::kBytes,
     &TopicConfig::index_interval_bytes,
     0,
     1LL << 30},
    {{"batch_bytes_max", "bytes", "128..1GiB", "Larger batches are refused."},
     Kind::kBytes,
     &TopicConfig::batch_bytes_max,
     128,
     1LL << 30},
    {{"timestamp_before_max_ms", "ms", "any|0..36500d",
      "Records whose timestamp lies further before the broker's clock are refused."},
     Kind::kMillisecondsOrAny,
     &TopicConfig::timestamp_before_max_ms,
     0,
     100 * kYear},
    {{"timestamp_after_max_ms", "ms", "any|0..36500d",
      "Records whose timestamp lies further after the broker's clock are refused."},
     Kind::kMillisecondsOrAny,
     &TopicConfig::timestamp_after_max_ms,
     0,
     100 * kYear},
    {{"flush_ms", "ms", "1ms..10m",
      "On topics of durability \"written\": how long a written record may wait until it is made durable."},
     Kind::kMilliseconds,
     &TopicConfig::flush_ms,
     1,
     10 * kMinute},
};

const Row* FindRow(absl::string_view name) {
  for (const Row& row : kRows) {
    if (row.info.name == name) return &row;
  }
  return nullptr;
}

absl::Status UnknownSetting(absl::string_view name) {
  std::vector<absl::string_view> known;
  for (const Row& row : kRows) known.push_back(row.info.name);
  const absl::string_view nearest = NearestName(name, known);
  return MakeError(ErrorCode::kInvalidConfig,
                   nearest.empty() ? absl::StrCat("unknown topic setting \"", name.substr(0, 100),
                                                  "\"; known are ", absl::StrJoin(known, ", "))
                                   : absl::StrCat("unknown topic setting \"", name, "\"; did you mean \"",
                                                  nearest, "\"?"));
}

absl::Status InvalidValue(const Row& row, absl::string_view value) {
  return MakeError(ErrorCode::kInvalidConfig,
                   absl::StrCat("topic setting ", row.info.name, ": \"", value.substr(0, 100),
                                "\" is not allowed; allowed is ", row.info.range));
}

std::optional<int64_t> ParseNumber(const Row& row, absl::string_view value) {
  if (row.kind == Kind::kMillisecondsOrAny && (value == kAnyText || value == "-1")) return kAny;
  const std::optional<int64_t> number =
      row.kind == Kind::kBytes ? ParseByteSize(value) : ParseMilliseconds(value);
  if (!number.has_value() || *number < row.least || *number > row.most) return std::nullopt;
  return number;
}

}  // namespace

absl::Span<const TopicSettingInfo> TopicSettings() {
  static const std::vector<TopicSettingInfo>* const infos = [] {
    auto* all = new std::vector<TopicSettingInfo>;  // never destroyed
    for (const Row& row : kRows) all->push_back(row.info);
    return all;
  }();
  return *infos;
}

absl::Status SetTopicSetting(TopicConfig& config, absl::string_view name, absl::string_view value) {
  const Row* row = FindRow(name);
  if (row == nullptr) return UnknownSetting(name);
  const absl::string_view trimmed = absl::StripAsciiWhitespace(value);
  if (row->kind == Kind::kEnum) {
    return row->set_enum(config, trimmed) ? absl::OkStatus() : InvalidValue(*row, value);
  }
  const std::optional<int64_t> number = ParseNumber(*row, trimmed);
  if (!number.has_value()) return InvalidValue(*row, value);
  config.*row->number = *number;
  return absl::OkStatus();
}

std::string GetTopicSetting(const TopicConfig& config, absl::string_view name) {
  const Row* row = FindRow(name);
  if (row == nullptr) return {};
  if (row->kind == Kind::kEnum) return std::string(row->get_enum(config));
  const int64_t value = config.*row->number;
  if (row->kind == Kind::kBytes) return FormatByteSize(value);
  if (row->kind == Kind::kMillisecondsOrAny && value == kAny) return std::string(kAnyText);
  return FormatMilliseconds(value);
}

}  // namespace leat
