#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/record/record_iterator.h"

namespace leat {

// A record as the output formats see it. A view: what it points to belongs to the caller.
struct ShownRecord {
  absl::string_view topic;
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_ms = 0;
  std::optional<absl::string_view> key;
  std::optional<absl::string_view> value;
  absl::Span<const HeaderView> headers;
};

}  // namespace leat
