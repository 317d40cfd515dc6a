#include "protocol/wire/error_map.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "protocol/record/error.h"
#include "protocol/wire/utf8.h"

namespace leat {
namespace {

std::string ValidUtf8(absl::string_view text, size_t bytes_max) {
  std::string out;
  while (!text.empty()) {
    const size_t length = Utf8CharBytes(text);
    if (out.size() + (length == 0 ? 1 : length) > bytes_max) break;
    if (length == 0) {
      out.push_back('?');
      text.remove_prefix(1);
    } else {
      out.append(text.data(), length);
      text.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace

void ToWire(const absl::Status& status, wire::Error* error) {
  error->Clear();
  if (status.ok()) return;
  const ErrorCode code = CodeOf(status);
  error->set_code(static_cast<int32_t>(code));
  const absl::string_view message = status.message().empty() ? InfoOf(code).meaning : status.message();
  error->set_message(ValidUtf8(message, kErrorMessageBytesMax));
  error->set_resume_offset(ResumeOffsetOf(status).value_or(0));
}

absl::Status FromWire(const wire::Error& error) {
  const auto code = static_cast<ErrorCode>(error.code());
  if (code == ErrorCode::kNone) return absl::OkStatus();
  const absl::string_view message = error.message().empty()
                                        ? InfoOf(code).meaning
                                        : absl::string_view(error.message().data(), error.message().size());
  absl::Status status = MakeError(code, message);
  return error.resume_offset() > 0 ? WithResumeOffset(std::move(status), error.resume_offset()) : status;
}

}  // namespace leat
