#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace leat {

// When each record of a replay is due. Pure.
class Pacer {
 public:
  // As fast as it goes.
  Pacer() = default;
  // So many records per second.
  static Pacer Rate(double per_second);
  // The distances of the records' own timestamps, `factor` times as fast.
  static Pacer Speed(double factor);

  // How long after the first record this one is due; never before the one before it. Once per record, in
  // order.
  absl::Duration Due(int64_t timestamp_ms);

 private:
  std::optional<double> per_second_;
  std::optional<double> factor_;
  uint64_t records_ = 0;
  int64_t first_timestamp_ms_ = 0;
  absl::Duration last_;
};

}  // namespace leat
