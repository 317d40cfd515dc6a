#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace leat {

// `size` bytes that no codec can shrink; the same for the same seed.
inline std::string RandomBytes(uint64_t seed, size_t size) {
  std::mt19937_64 generator(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(generator());
  return bytes;
}

}  // namespace leat
