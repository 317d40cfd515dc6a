#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace leat {

int LatencyHistogram::BucketOf(uint64_t value) {
  const int width = 64 - std::countl_zero(value | 1);
  if (width <= kSubBits + 1) return static_cast<int>(value);
  const int shift = width - (kSubBits + 1);
  return (shift << kSubBits) + static_cast<int>(value >> shift);
}

uint64_t LatencyHistogram::UpperEnd(int bucket) {
  if (bucket < (2 << kSubBits)) return static_cast<uint64_t>(bucket);
  const int shift = (bucket >> kSubBits) - 1;
  const uint64_t mantissa = static_cast<uint64_t>((bucket & ((1 << kSubBits) - 1)) + (1 << kSubBits));
  return ((mantissa + 1) << shift) - 1;
}

void LatencyHistogram::Record(int64_t nanos) {
  const int64_t value = std::max<int64_t>(nanos, 0);
  ++buckets_[static_cast<size_t>(std::min(BucketOf(static_cast<uint64_t>(value)), kBuckets - 1))];
  ++count_;
  max_ = std::max(max_, value);
}

void LatencyHistogram::Merge(const LatencyHistogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

int64_t LatencyHistogram::Percentile(double percentile) const {
  if (count_ == 0) return 0;
  const double share = std::ceil(percentile / 100.0 * static_cast<double>(count_));
  const uint64_t rank = std::clamp<uint64_t>(static_cast<uint64_t>(share), 1, count_);
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(static_cast<int64_t>(UpperEnd(static_cast<int>(i))), max_);
  }
  return max_;
}

}  // namespace leat
