#include "tools/cli/pacer.h"

#include <algorithm>

namespace leat {

Pacer Pacer::Rate(double per_second) {
  Pacer pacer;
  pacer.per_second_ = per_second;
  return pacer;
}

Pacer Pacer::Speed(double factor) {
  Pacer pacer;
  pacer.factor_ = factor;
  return pacer;
}

absl::Duration Pacer::Due(int64_t timestamp_ms) {
  if (records_ == 0) first_timestamp_ms_ = timestamp_ms;
  absl::Duration due;
  if (per_second_.has_value()) {
    due = absl::Seconds(static_cast<double>(records_) / *per_second_);
  } else if (factor_.has_value()) {
    // As floating point: timestamps may be any 64-bit numbers.
    const double distance_ms = static_cast<double>(timestamp_ms) - static_cast<double>(first_timestamp_ms_);
    due = absl::Milliseconds(distance_ms / *factor_);
  }
  ++records_;
  last_ = std::max(last_, due);
  return last_;
}

}  // namespace leat
