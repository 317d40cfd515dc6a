#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

// Big-endian integers at any address, the byte order of the record format and of the files next to it.

namespace leat {

template <typename T>
inline T SwapIfLittleEndian(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) {
    return value;
  } else if constexpr (sizeof(T) == 2) {
    return static_cast<T>(__builtin_bswap16(static_cast<uint16_t>(value)));
  } else if constexpr (sizeof(T) == 4) {
    return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  } else {
    static_assert(sizeof(T) == 8);
    return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  }
}

// The caller has sizeof(T) bytes at `from` or `to`.
template <typename T>
inline T LoadBigEndian(const char* from) {
  static_assert(std::is_integral_v<T>);
  T value;
  std::memcpy(&value, from, sizeof(T));
  return SwapIfLittleEndian(value);
}

// Little-endian ones, in the frames of codecs.
template <typename T>
inline T LoadLittleEndian(const char* from) {
  static_assert(std::is_unsigned_v<T>);
  T value = 0;
  for (size_t i = sizeof(T); i > 0; --i)
    value = static_cast<T>(value << 8 | static_cast<uint8_t>(from[i - 1]));
  return value;
}

template <typename T>
inline void StoreBigEndian(char* to, T value) {
  static_assert(std::is_integral_v<T>);
  const T swapped = SwapIfLittleEndian(value);
  std::memcpy(to, &swapped, sizeof(T));
}

}  // namespace leat
