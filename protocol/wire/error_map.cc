#include "protocol/wire/error_map.h"

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

// Length of the UTF-8 character at the front of `text`, or 0 when there is no valid one.
size_t Utf8CharBytes(absl::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies above U+10FFFF.
  if (first == 0xE0 && byte(1) < 0xA0) return 0;
  if (first == 0xED && byte(1) > 0x9F) return 0;
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) > 0x8F) return 0;
  return length;
}

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
}

absl::Status FromWire(const wire::Error& error) {
  const auto code = static_cast<ErrorCode>(error.code());
  if (code == ErrorCode::kNone) return absl::OkStatus();
  const absl::string_view message = error.message().empty()
                                        ? InfoOf(code).meaning
                                        : absl::string_view(error.message().data(), error.message().size());
  return MakeError(code, message);
}

}  // namespace leat
