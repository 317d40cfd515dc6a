#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace leat {

// Counts of values in log-linear buckets: 16 to each power of two, so that a quantile is at most 1/16 too
// large. Recording is wait-free and takes no memory. Any thread; readers see a value soon, not at once.
class Histogram {
 public:
  void Record(uint64_t value) {
    buckets_[BucketOf(value)].fetch_add(1, std::memory_order_relaxed);
    count_.fetch_add(1, std::memory_order_relaxed);
    uint64_t seen = max_.load(std::memory_order_relaxed);
    while (value > seen && !max_.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
  }

  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  uint64_t max() const { return max_.load(std::memory_order_relaxed); }

  // The least bound such that `quantile` (0..1) of the values lie at or below it; 0 when there are none.
  uint64_t Quantile(double quantile) const {
    const auto wanted = static_cast<uint64_t>(quantile * static_cast<double>(count()) + 0.5);
    uint64_t sum = 0;
    for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
      sum += buckets_[bucket].load(std::memory_order_relaxed);
      if (sum > 0 && sum >= wanted) return std::min(UpperBound(bucket), max());
    }
    return max();
  }

 private:
  static constexpr int kSubBits = 4;
  static constexpr size_t kSub = size_t{1} << kSubBits;
  static constexpr size_t kBuckets = (64 - kSubBits + 1) * kSub;

  // Values below kSub have a bucket each; above, the leading kSubBits + 1 bits say which.
  static size_t BucketOf(uint64_t value) {
    if (value < kSub) return static_cast<size_t>(value);
    const int shift = std::bit_width(value) - kSubBits - 1;
    return (static_cast<size_t>(shift) << kSubBits) + static_cast<size_t>(value >> shift);
  }

  static uint64_t UpperBound(size_t bucket) {
    if (bucket < 2 * kSub) return bucket;
    const size_t shift = (bucket >> kSubBits) - 1;
    const uint64_t leading = (bucket & (kSub - 1)) + kSub;
    return (leading << shift) + ((uint64_t{1} << shift) - 1);
  }

  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> max_{0};
};

}  // namespace leat
