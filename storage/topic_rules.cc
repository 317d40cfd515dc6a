#include "storage/topic_rules.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/meta/layout.h"

namespace leat {
namespace {

constexpr size_t kTopicNameMax = 249;

absl::Status InvalidName(absl::string_view name, absl::string_view rule) {
  return MakeError(ErrorCode::kInvalidTopicName,
                   absl::StrCat("topic name \"", name.substr(0, kTopicNameMax), "\": ", rule));
}

absl::Status CheckPartitionLimits(const StoreOptions& options, const MetadataState& state, uint64_t of_topic,
                                  uint64_t added) {
  if (of_topic > options.partitions_per_topic_max) {
    return MakeError(ErrorCode::kInvalidPartitionCount,
                     absl::StrCat(of_topic, " partitions; the limit partitions_per_topic_max is ",
                                  options.partitions_per_topic_max));
  }
  if (state.partition_count() + added > options.partitions_max) {
    return MakeError(
        ErrorCode::kLimitExceeded,
        absl::StrCat("the limit partitions_max of ", options.partitions_max, " is met: there are ",
                     state.partition_count(), " partitions; delete topics or raise the limit"));
  }
  return absl::OkStatus();
}

SettingList ToList(const std::map<std::string, std::string>& settings) {
  return SettingList(settings.begin(), settings.end());
}

}  // namespace

absl::Status CheckTopicName(absl::string_view name) {
  if (name.empty()) return InvalidName(name, "it is empty");
  if (name.size() > kTopicNameMax) {
    return InvalidName(name,
                       absl::StrCat("it has ", name.size(), " characters, allowed are ", kTopicNameMax));
  }
  if (name == "." || name == "..") return InvalidName(name, "\".\" and \"..\" are not allowed");
  const bool known = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  });
  if (!known) return InvalidName(name, "allowed are the characters A-Z a-z 0-9 . _ -");
  return absl::OkStatus();
}

absl::Status UnknownTopic(absl::string_view name) {
  return MakeError(ErrorCode::kUnknownTopic,
                   absl::StrCat("topic \"", name.substr(0, kTopicNameMax), "\" does not exist"));
}

absl::StatusOr<ResolvedSettings> ResolveSettings(const TopicConfig& defaults, const SettingList& overrides) {
  ResolvedSettings resolved{defaults, {}};
  std::map<std::string, std::string> canonical;
  for (const auto& [name, value] : overrides) {
    if (absl::Status set = SetTopicSetting(resolved.config, name, value); !set.ok()) return set;
    if (!canonical.emplace(name, GetTopicSetting(resolved.config, name)).second) {
      return MakeError(ErrorCode::kInvalidConfig, absl::StrCat("topic setting ", name, " is given twice"));
    }
  }
  resolved.overrides = ToList(canonical);
  return resolved;
}

ResolvedSettings ResolveStoredSettings(const TopicConfig& defaults, const SettingList& overrides,
                                       std::vector<std::string>& notes) {
  ResolvedSettings resolved{defaults, overrides};
  for (const auto& [name, value] : overrides) {
    absl::Status set = SetTopicSetting(resolved.config, name, value);
    if (!set.ok()) notes.push_back(absl::StrCat("kept, but not used: ", set.message()));
  }
  return resolved;
}

absl::StatusOr<ResolvedSettings> CheckCreate(const StoreOptions& options, const MetadataState& state,
                                             const TopicSpec& spec) {
  if (absl::Status named = CheckTopicName(spec.name); !named.ok()) return named;
  if (spec.name == kMetadataTopic) return InvalidName(spec.name, "it is reserved");
  if (state.Find(spec.name) != nullptr) {
    return MakeError(ErrorCode::kTopicExists, absl::StrCat("topic \"", spec.name, "\" exists already"));
  }
  if (spec.partition_count == 0) {
    return MakeError(ErrorCode::kInvalidPartitionCount, "a topic has at least 1 partition");
  }
  if (state.topics().size() >= options.topics_max) {
    return MakeError(ErrorCode::kLimitExceeded, absl::StrCat("the limit topics_max of ", options.topics_max,
                                                             " is met; delete topics or raise the limit"));
  }
  absl::Status limits = CheckPartitionLimits(options, state, spec.partition_count, spec.partition_count);
  if (!limits.ok()) return limits;
  return ResolveSettings(options.topic_defaults, spec.config);
}

absl::StatusOr<ResolvedSettings> CheckAlter(const StoreOptions& options, const MetadataState& state,
                                            absl::string_view name, const TopicChange& change) {
  const TopicMetadata* topic = state.Find(name);
  if (topic == nullptr) return UnknownTopic(name);
  const uint64_t now = topic->partition_ids.size();
  if (change.partition_count != 0 && change.partition_count < now) {
    return MakeError(ErrorCode::kInvalidPartitionCount,
                     absl::StrCat("topic \"", name, "\" has ", now, " partitions; it cannot have fewer (",
                                  change.partition_count, ")"));
  }
  if (change.partition_count > now) {
    absl::Status limits =
        CheckPartitionLimits(options, state, change.partition_count, change.partition_count - now);
    if (!limits.ok()) return limits;
  }
  std::map<std::string, std::string> overrides(topic->overrides.begin(), topic->overrides.end());
  for (const std::string& reset : change.reset) {
    TopicConfig scratch;
    // For the message, which names the nearest setting.
    if (GetTopicSetting(scratch, reset).empty() && !overrides.contains(reset)) {
      return SetTopicSetting(scratch, reset, "");
    }
    overrides.erase(reset);
  }
  const absl::StatusOr<ResolvedSettings> set = ResolveSettings(options.topic_defaults, change.set);
  if (!set.ok()) return set.status();
  for (const auto& [key, value] : set->overrides) overrides[key] = value;
  // Settings of another version of this program stay what they are.
  std::vector<std::string> notes;
  return ResolveStoredSettings(options.topic_defaults, ToList(overrides), notes);
}

}  // namespace leat
