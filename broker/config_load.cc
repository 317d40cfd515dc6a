#include "broker/config_load.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/config_file.h"
#include "protocol/record/error.h"
#include "storage/meta/setting_text.h"

namespace leat {
namespace {

constexpr uint64_t kFileBytesMax = 1024 * 1024;
// Variables with our prefix that are no settings: read by leatd itself, by the command line, and by the tests
// and checks of a source tree, which start daemons in their own environment.
constexpr absl::string_view kOtherVariables[] = {
    "LEAT_CONFIG",       "LEAT_ADDRESS",    "LEAT_BIN",      "LEAT_BENCH",       "LEAT_SOURCE",
    "LEAT_FUZZ_SECONDS", "LEAT_KAFKA_JARS", "LEAT_SANITIZE", "LEAT_KILL_ROUNDS", "LEAT_KILL_SEED"};

absl::Status Prefixed(absl::string_view prefix, const absl::Status& status) {
  return MakeError(CodeOf(status), absl::StrCat(prefix, ": ", status.message()));
}

absl::Status Apply(LoadedConfig& loaded, const std::string& name, absl::string_view value,
                   const std::string& origin) {
  // An unset variable of a shell, more often than not; the default directory would come as a surprise.
  if (name == "data_dir" && value.empty()) {
    return MakeError(ErrorCode::kInvalidConfig,
                     absl::StrCat(origin, ": data_dir is empty; name a directory"));
  }
  if (absl::Status status = SetConfig(loaded.config, name, value); !status.ok())
    return Prefixed(origin, status);
  loaded.origins[name] = origin;
  return absl::OkStatus();
}

// A file says more of a value than its text: 7 is a number and "7" is text.
absl::Status CheckType(const FileSetting& setting) {
  const auto error = [&](absl::string_view wanted) {
    return MakeError(ErrorCode::kInvalidConfig,
                     absl::StrCat("setting ", setting.name, " has to be ", wanted));
  };
  bool is_prefix = false;
  for (const SettingInfo& info : ConfigSettings()) {
    is_prefix = is_prefix || absl::StartsWith(info.name, setting.name + ".");
    if (info.name != setting.name) continue;
    const bool text = setting.type == FileValue::kText;
    const bool number = setting.type == FileValue::kNumber;
    if (info.type == "int") return number ? absl::OkStatus() : error("a whole number");
    if (info.type == "bool")
      return setting.type == FileValue::kBool ? absl::OkStatus() : error("true or false");
    if (info.type == "text" || info.type == "enum") return text ? absl::OkStatus() : error("text in quotes");
    return number || text ? absl::OkStatus() : error("a whole number, or text in quotes with a unit");
  }
  if (is_prefix) {
    return setting.type == FileValue::kTable ? absl::OkStatus() : error("a table of settings");
  }
  Config ignored;
  return SetConfig(ignored, setting.name, setting.value);  // names the nearest one
}

absl::Status ApplyFile(LoadedConfig& loaded, const std::string& path, FileSystem& fs) {
  absl::StatusOr<std::string> text = ReadWholeFile(fs, path, kFileBytesMax);
  if (!text.ok()) return Prefixed("configuration", text.status());
  absl::StatusOr<std::vector<FileSetting>> settings = ParseConfigFile(*text, path);
  if (!settings.ok()) return settings.status();
  for (const FileSetting& setting : *settings) {
    const std::string origin = absl::StrCat(path, ":", setting.line);
    if (absl::Status status = CheckType(setting); !status.ok()) return Prefixed(origin, status);
    if (setting.type == FileValue::kTable) continue;
    if (const auto before = loaded.origins.find(setting.name); before != loaded.origins.end()) {
      return MakeError(ErrorCode::kInvalidConfig, absl::StrCat(origin, ": setting ", setting.name,
                                                               " is set twice; see ", before->second));
    }
    absl::Status status = Apply(loaded, setting.name, setting.value, origin);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status ApplyEnvironment(LoadedConfig& loaded, const ConfigSources& sources) {
  std::map<std::string, std::string> known;  // variable -> setting
  for (const SettingInfo& info : ConfigSettings()) known[EnvironmentName(info.name)] = info.name;
  for (const auto& [variable, value] : sources.environment) {
    if (!absl::StartsWith(variable, "LEAT_")) continue;
    const auto found = known.find(variable);
    if (found != known.end()) {
      absl::Status status = Apply(loaded, found->second, value, absl::StrCat("environment ", variable));
      if (!status.ok()) return status;
    } else if (std::find(std::begin(kOtherVariables), std::end(kOtherVariables), variable) ==
               std::end(kOtherVariables)) {
      std::vector<absl::string_view> names;
      for (const auto& [name, setting] : known) names.push_back(name);
      const absl::string_view nearest = NearestName(variable, names);
      return MakeError(
          ErrorCode::kInvalidConfig,
          absl::StrCat("environment variable ", variable.substr(0, 100), " is no setting; ",
                       nearest.empty()
                           ? "leatd --print-config lists all settings; unset it if it is not for leatd"
                           : absl::StrCat("did you mean ", nearest, "?")));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::string DefaultDataDir(const std::vector<std::pair<std::string, std::string>>& environment) {
  std::string home;
  std::string state;
  for (const auto& [name, value] : environment) {
    // The base directory specification has relative paths ignored.
    if (name == "HOME" && absl::StartsWith(value, "/")) home = value;
    if (name == "XDG_STATE_HOME" && absl::StartsWith(value, "/")) state = value;
  }
  if (!state.empty()) return absl::StrCat(state, "/leat");
  return home.empty() ? "" : absl::StrCat(home, "/.local/state/leat");
}

absl::StatusOr<LoadedConfig> LoadConfig(const ConfigSources& sources, FileSystem& fs) {
  LoadedConfig loaded;
  if (!sources.file.empty()) {
    if (absl::Status status = ApplyFile(loaded, sources.file, fs); !status.ok()) return status;
  }
  if (absl::Status status = ApplyEnvironment(loaded, sources); !status.ok()) return status;
  for (const auto& [name, value] : sources.flags) {
    if (absl::Status status = Apply(loaded, name, value, "flag"); !status.ok()) return status;
  }
  if (loaded.config.data_dir.empty()) {
    loaded.config.data_dir = DefaultDataDir(sources.environment);
    if (loaded.config.data_dir.empty()) {
      return MakeError(ErrorCode::kInvalidConfig,
                       "no data directory: neither HOME nor XDG_STATE_HOME is set; give --data-dir DIR");
    }
  }
  if (absl::Status status = CheckConfig(loaded.config); !status.ok()) return status;
  return loaded;
}

}  // namespace leat
