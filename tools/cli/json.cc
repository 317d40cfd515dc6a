#include "tools/cli/json.h"

#include "absl/strings/escaping.h"
#include "tools/cli/utf8.h"

namespace leat {

void SetBytes(Json* object, const char* name, const std::optional<absl::string_view>& bytes) {
  if (!bytes.has_value()) {
    (*object)[name] = nullptr;
  } else if (IsUtf8(*bytes)) {
    (*object)[name] = ToStdString(*bytes);
  } else {
    (*object)[std::string(name) + "_base64"] = absl::Base64Escape(*bytes);
  }
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string DumpPretty(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace leat
