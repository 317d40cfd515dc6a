#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace leat {

// Random choices that a seed repeats on every machine: the standard's distributions differ between libraries,
// so the few that tests need are made here. One thread.
class SeededRandom {
 public:
  explicit SeededRandom(uint64_t seed) : engine_(seed) {}

  uint64_t Next() { return engine_(); }

  // In [0, bound); 0 when bound is 0. The bias of the modulus does not matter for tests.
  uint64_t Below(uint64_t bound) { return bound == 0 ? 0 : engine_() % bound; }

  // In [low, high].
  int64_t Between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(Below(static_cast<uint64_t>(high - low) + 1));
  }

  // True with the given probability.
  bool Chance(double probability) { return static_cast<double>(engine_() >> 11) * 0x1.0p-53 < probability; }

  std::string Bytes(size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(engine_() & 0xff);
    return bytes;
  }

  // One of `choices`, which is not empty.
  template <typename T>
  const T& Pick(const std::vector<T>& choices) {
    return choices[Below(choices.size())];
  }

  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace leat
