#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/log_store.h"
#include "storage/meta/metadata_records.h"
#include "storage/meta/metadata_state.h"

// What a topic may be called, how many partitions it may have and which settings, as pure checks over the
// state of the metadata log.

namespace leat {

// Settings of a topic: the defaults with the overrides on top, and these in their canonical text, by name.
struct ResolvedSettings {
  TopicConfig config;
  SettingList overrides;
};

// kInvalidConfig for an unknown name, a value that is not allowed, a name that comes twice.
absl::StatusOr<ResolvedSettings> ResolveSettings(const TopicConfig& defaults, const SettingList& overrides);

// Settings that were accepted once: what this program does not take any more keeps its default and is noted.
ResolvedSettings ResolveStoredSettings(const TopicConfig& defaults, const SettingList& overrides,
                                       std::vector<std::string>& notes);

// kInvalidTopicName, kTopicExists, kInvalidPartitionCount, kInvalidConfig, kLimitExceeded.
absl::StatusOr<ResolvedSettings> CheckCreate(const StoreOptions& options, const MetadataState& state,
                                             const TopicSpec& spec);

// kUnknownTopic, kInvalidPartitionCount, kInvalidConfig, kLimitExceeded.
absl::StatusOr<ResolvedSettings> CheckAlter(const StoreOptions& options, const MetadataState& state,
                                            absl::string_view name, const TopicChange& change);

absl::Status UnknownTopic(absl::string_view name);

}  // namespace leat
