#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "storage/log/segment.h"

namespace leat {

// Remembers a few places where batches start, so that a reader that goes on where it stopped, or waits at the
// end, is found without the index. Places never become wrong, because a log only grows. Not thread-safe.
class PositionHints {
 public:
  void Add(const LogPosition& place) {
    if (Find(place.offset)) return;
    places_[next_] = place;
    next_ = (next_ + 1) % places_.size();
  }
  std::optional<LogPosition> Find(Offset offset) const {
    for (const LogPosition& place : places_) {
      if (place.offset == offset) return place;
    }
    return std::nullopt;
  }

 private:
  static constexpr LogPosition kNowhere{.offset = -1, .segment_base = 0, .position = 0};
  std::array<LogPosition, 8> places_{kNowhere, kNowhere, kNowhere, kNowhere,
                                     kNowhere, kNowhere, kNowhere, kNowhere};
  size_t next_ = 0;
};

}  // namespace leat
