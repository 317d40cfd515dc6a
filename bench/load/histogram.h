#pragma once

#include <array>
#include <cstdint>

namespace leat {

// A log-linear histogram of durations in nanoseconds, after HdrHistogram's idea: 64 sub-buckets to each power
// of two, so a value is known to within 1.6 %. Histograms of several workers are merged, percentiles never
// averaged. One thread.
class LatencyHistogram {
 public:
  void Record(int64_t nanos);
  void Merge(const LatencyHistogram& other);

  uint64_t count() const { return count_; }
  int64_t max() const { return max_; }
  // The value that `percentile` (0..100) of all values do not exceed; 0 without values.
  int64_t Percentile(double percentile) const;

 private:
  static constexpr int kSubBits = 6;
  static constexpr int kBuckets = (64 - kSubBits) << kSubBits;
  static int BucketOf(uint64_t value);
  static uint64_t UpperEnd(int bucket);

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace leat
