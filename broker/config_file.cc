#include "broker/config_file.h"

#include <algorithm>
#include <exception>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "toml++/toml.h"

namespace leat {
namespace {

absl::Status BadFile(absl::string_view path, uint32_t line, absl::string_view cause) {
  return MakeError(ErrorCode::kInvalidConfig, absl::StrCat(path, ":", line, ": ", cause));
}

void Flatten(const toml::table& table, const std::string& prefix, std::vector<FileSetting>& out) {
  for (const auto& [key, node] : table) {
    const std::string_view own = key.str();
    FileSetting setting;
    setting.name = absl::StrCat(prefix, absl::string_view(own.data(), own.size()));
    setting.line = key.source().begin.line;
    const toml::table* const inner = node.as_table();
    if (inner != nullptr) {
      setting.type = FileValue::kTable;
    } else if (const auto* text = node.as_string()) {
      setting.value = text->get();
    } else if (const auto* number = node.as_integer()) {
      setting.type = FileValue::kNumber;
      setting.value = absl::StrCat(number->get());
    } else if (const auto* on = node.as_boolean()) {
      setting.type = FileValue::kBool;
      setting.value = on->get() ? "true" : "false";
    } else {
      setting.type = FileValue::kOther;
    }
    const std::string inner_prefix = setting.name + ".";
    out.push_back(std::move(setting));
    if (inner != nullptr) Flatten(*inner, inner_prefix, out);
  }
}

}  // namespace

absl::StatusOr<std::vector<FileSetting>> ParseConfigFile(absl::string_view text, absl::string_view path) {
  std::vector<FileSetting> settings;
  // The library as Debian builds it reports by exceptions; they end here.
  try {
    const toml::table table =
        toml::parse(std::string_view(text.data(), text.size()), std::string_view(path.data(), path.size()));
    Flatten(table, "", settings);
  } catch (const toml::parse_error& error) {
    const std::string_view what = error.description();
    return BadFile(path, error.source().begin.line, absl::string_view(what.data(), what.size()));
  } catch (const std::exception& error) {
    return BadFile(path, 0, error.what());
  }
  std::stable_sort(settings.begin(), settings.end(),
                   [](const FileSetting& a, const FileSetting& b) { return a.line < b.line; });
  return settings;
}

}  // namespace leat
