#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/env/file_system.h"
#include "storage/meta/layout.h"
#include "storage/meta/metadata_state.h"

namespace leat {

// Brings topics/ in line with the metadata log after a stop at any point: what an interrupted creation made
// and nobody wrote to is removed, interrupted deletions are completed, and a directory that holds records and
// belongs to nobody is moved to kept/ and noted, never removed. Durable on return.
absl::Status SweepTopicDirectories(FileSystem& fs, const StorePaths& paths, const MetadataState& state,
                                   std::vector<std::string>& notes);

// Paths of what can be removed from deleted/; other things there are noted.
absl::StatusOr<std::vector<std::string>> ListDeleted(FileSystem& fs, const StorePaths& paths,
                                                     std::vector<std::string>& notes);

}  // namespace leat
