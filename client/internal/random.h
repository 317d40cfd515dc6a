#pragma once

#include <cstdint>

namespace leat {

// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, good enough for jitter and identities. One thread.
class SplitMixRandom {
 public:
  explicit SplitMixRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double Fraction() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

}  // namespace leat
