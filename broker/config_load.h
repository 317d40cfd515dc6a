#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/config.h"
#include "storage/env/file_system.h"

// Puts a configuration together: flags before environment before file before defaults.

namespace leat {

struct ConfigSources {
  std::string file;                                              // TOML; empty: none
  std::vector<std::pair<std::string, std::string>> environment;  // all variables; those of Leat are used
  std::vector<std::pair<std::string, std::string>> flags;        // setting name and value, in order
};

struct LoadedConfig {
  Config config;
  std::map<std::string, std::string>
      origins;  // by setting: "flag", "environment LEAT_X", "FILE:LINE"; else default
};

// kInvalidConfig with file and line, variable or flag in front of the cause; kStorageError when the file
// cannot be read. The result has passed CheckConfig and has a data_dir.
absl::StatusOr<LoadedConfig> LoadConfig(const ConfigSources& sources, FileSystem& fs);

// $XDG_STATE_HOME/leat, else ~/.local/state/leat; empty when the environment names neither.
std::string DefaultDataDir(const std::vector<std::pair<std::string, std::string>>& environment);

// Every setting with value and origin, for people or as JSON.
std::string PrintConfig(const LoadedConfig& loaded, bool json);

}  // namespace leat
