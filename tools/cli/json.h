#pragma once

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/strings/string_view.h"

// The JSON of every command goes through here, so that all of it treats bytes alike and nothing throws.

namespace leat {

// Fields keep the order in which they were set.
using Json = nlohmann::ordered_json;

inline std::string ToStdString(absl::string_view text) { return std::string(text.data(), text.size()); }

// Sets object[name] to the text, or object[name + "_base64"] when `bytes` is not UTF-8. Nothing gives null.
void SetBytes(Json* object, const char* name, const std::optional<absl::string_view>& bytes);

// One line without '\n'. What is not UTF-8 shows as U+FFFD (only in texts that are not records' bytes).
std::string Dump(const Json& json);

// Several lines, for people; ends with '\n'.
std::string DumpPretty(const Json& json);

}  // namespace leat
