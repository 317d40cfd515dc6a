#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/config_load.h"
#include "broker/json_text.h"

namespace leat {
namespace {

std::string OriginOf(const LoadedConfig& loaded, const std::string& name) {
  const auto found = loaded.origins.find(name);
  return found == loaded.origins.end() ? "default" : found->second;
}

std::string PrintJson(const LoadedConfig& loaded) {
  std::string out = "[\n";
  const absl::Span<const SettingInfo> infos = ConfigSettings();
  for (size_t i = 0; i < infos.size(); ++i) {
    const SettingInfo& info = infos[i];
    absl::StrAppend(&out, "  {\"name\": ", JsonString(info.name),
                    ", \"value\": ", JsonString(GetConfig(loaded.config, info.name)),
                    ", \"source\": ", JsonString(OriginOf(loaded, info.name)),
                    ", \"type\": ", JsonString(info.type), ", \"range\": ", JsonString(info.range),
                    ", \"dynamic\": ", info.dynamic ? "true" : "false", ", \"doc\": ", JsonString(info.doc),
                    "}", i + 1 < infos.size() ? ",\n" : "\n");
  }
  return out + "]\n";
}

}  // namespace

std::string PrintConfig(const LoadedConfig& loaded, bool json) {
  if (json) return PrintJson(loaded);
  size_t name_width = 0;
  size_t value_width = 0;
  for (const SettingInfo& info : ConfigSettings()) {
    name_width = std::max(name_width, info.name.size());
    value_width = std::max(value_width, GetConfig(loaded.config, info.name).size());
  }
  std::string out;
  for (const SettingInfo& info : ConfigSettings()) {
    absl::StrAppendFormat(&out, "%-*s  %-*s  %s\n", static_cast<int>(name_width), info.name,
                          static_cast<int>(value_width), GetConfig(loaded.config, info.name),
                          OriginOf(loaded, info.name));
  }
  return out;
}

}  // namespace leat
