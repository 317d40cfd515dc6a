// Sizes that a batch only claims are never allocated. A binary of its own, because it replaces operator new.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "protocol/record/codec.h"
#include "protocol/record/endian.h"
#include "protocol/record/error.h"
#include "protocol/record/validate.h"
#include "tests/protocol/record_test_util.h"

namespace {

std::atomic<size_t> largest_allocation = 0;

void* Allocate(size_t size) {
  if (size > largest_allocation) largest_allocation = size;
  void* const memory = std::malloc(std::max(size, size_t{1}));
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(size_t size) { return Allocate(size); }
void* operator new[](size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }

namespace leat {
namespace {

constexpr size_t kSmall = 256 * 1024;
constexpr size_t kLimit = 1 << 30;

// What decompressing `data`, a few bytes that claim to be many, asks for at most at once.
size_t LargestAllocation(Codec codec, const std::string& data) {
  largest_allocation = 0;
  EXPECT_FALSE(Decompress(static_cast<uint8_t>(codec), data, kLimit).ok()) << CodecName(codec);
  return largest_allocation;
}

TEST(RecordMemory, OfDeclaredSizesIsNotAllocated) {
  // One bare block of 64 MiB; one in a frame.
  EXPECT_LT(LargestAllocation(Codec::kSnappy, FromHex("80808020"
                                                      "0061")),
            kSmall);
  EXPECT_LT(LargestAllocation(Codec::kSnappy, FromHex("82534e41505059000000000100000001"
                                                      "00000006"
                                                      "80808020"
                                                      "0061")),
            kSmall);
  // A frame header with a content size of 2^60 and a block that is cut off.
  EXPECT_LT(LargestAllocation(Codec::kZstd, FromHex("28b52ffd"
                                                    "e0"
                                                    "0000000000000010"
                                                    "ffff0f")),
            kSmall);
  // The same with a window of 128 MiB and no content size.
  EXPECT_LT(LargestAllocation(Codec::kZstd, FromHex("28b52ffd"
                                                    "00"
                                                    "88"
                                                    "ffff0f")),
            kSmall);
  EXPECT_LT(LargestAllocation(Codec::kLz4, FromHex("04224d18"
                                                   "6c70"
                                                   "0000000000000010"
                                                   "00"
                                                   "ffffff7f")),
            kSmall);
  EXPECT_LT(LargestAllocation(Codec::kGzip, FromHex("1f8b0800000000000003"
                                                    "ffffffff")),
            kSmall);
}

TEST(RecordMemory, GrowsWithWhatComesOut) {
  const std::string zeros(100 * 1000, '\0');
  for (const Codec codec : kAllCodecs) {
    std::string compressed;
    ASSERT_TRUE(Compress(codec, zeros, &compressed).ok());
    largest_allocation = 0;
    ASSERT_TRUE(Decompress(static_cast<uint8_t>(codec), compressed, kLimit).ok());
    EXPECT_LT(largest_allocation, 4 * zeros.size()) << CodecName(codec);
  }
}

TEST(RecordMemory, OfHeadersAndLengthsIsNotAllocated) {
  std::string bytes = SampleBatch(Codec::kNone);
  StoreBigEndian(&bytes[57], int32_t{0x7fffffff});  // record count
  StoreBigEndian(&bytes[23], int32_t{0x7ffffffe});
  SealBatch(absl::MakeSpan(bytes));
  BatchHeader header;
  header.record_count = 1;
  header.base_timestamp_ms = header.max_timestamp_ms = 0;
  const std::string many_headers = WrapPayload(header, FromHex("14000000010"
                                                               "1feffffff0f"));
  largest_allocation = 0;
  EXPECT_FALSE(ValidateBatch(bytes, {}).ok());
  EXPECT_FALSE(ReadRecords(bytes).ok());
  EXPECT_FALSE(ValidateBatch(many_headers, {}).ok());
  EXPECT_FALSE(ReadRecords(many_headers).ok());
  StoreBigEndian(&bytes[8], int32_t{0x7fffffff});  // batch length
  EXPECT_FALSE(CheckStoredBatch(bytes).ok());
  EXPECT_LT(largest_allocation, kSmall);
}

}  // namespace
}  // namespace leat
