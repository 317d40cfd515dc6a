#include "protocol/record/record_fields.h"

namespace leat {

const char* SkipHeaders(const char* from, const char* end, int32_t count) {
  int32_t length = 0;
  const char* bytes = nullptr;
  for (int32_t i = 0; i < count && from != nullptr; ++i) {
    from = ReadSized(from, end, 0, &length, &bytes);
    from = ReadSized(from, end, -1, &length, &bytes);
  }
  return from;
}

}  // namespace leat
