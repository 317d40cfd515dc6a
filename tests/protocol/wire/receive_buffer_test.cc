#include "protocol/wire/receive_buffer.h"

#include <cstring>
#include <string>

#include "gtest/gtest.h"

namespace leat {
namespace {

constexpr size_t kStart = 64;
constexpr size_t kMax = 1024;

// Fills at most `bytes` of the space that is offered; returns how much that was.
size_t Fill(ReceiveBuffer& buffer, size_t wanted, size_t bytes, char what = 'x') {
  const absl::Span<char> space = buffer.Prepare(wanted);
  const size_t filled = std::min(bytes, space.size());
  if (filled > 0) std::memset(space.data(), what, filled);
  buffer.Commit(filled);
  return filled;
}

TEST(ReceiveBufferTest, HoldsNothingBeforeTheFirstRead) {
  ReceiveBuffer buffer(kStart, kMax);
  EXPECT_EQ(buffer.capacity(), 0u);
  EXPECT_EQ(buffer.Prepare(0).size(), kStart);
}

TEST(ReceiveBufferTest, BeginsSmallAndBecomesUsualWhenThatWasNotEnough) {
  ReceiveBuffer buffer(65536, 1 << 20);
  EXPECT_EQ(Fill(buffer, 0, 100), 100u);
  EXPECT_EQ(buffer.capacity(), 1024u);
  buffer.Consume(100);
  EXPECT_EQ(Fill(buffer, 0, 4096), 1024u);
  buffer.Consume(1024);  // nothing is held, but there was more
  EXPECT_EQ(Fill(buffer, 0, 100000), 65536u);
  buffer.Consume(65536);
  EXPECT_EQ(Fill(buffer, 0, 100000), 65536u);
  buffer.Consume(65536);
  EXPECT_EQ(buffer.capacity(), 65536u);
  buffer.Trim();
  EXPECT_EQ(Fill(buffer, 0, 100), 100u);
  buffer.Consume(100);
  EXPECT_TRUE(buffer.Trim());
  EXPECT_EQ(buffer.capacity(), 1024u);
}

TEST(ReceiveBufferTest, GrowsOnlyAsBytesArrive) {
  ReceiveBuffer buffer(kStart, kMax);
  EXPECT_EQ(Fill(buffer, 1000, 10), 10u);
  EXPECT_EQ(Fill(buffer, 1000, 10), 10u);
  EXPECT_EQ(buffer.capacity(), kStart);
  EXPECT_EQ(Fill(buffer, 1000, kMax), kStart - 20);
  EXPECT_EQ(buffer.capacity(), kStart);
  EXPECT_EQ(Fill(buffer, 1000, kMax), kStart);
  EXPECT_EQ(buffer.capacity(), 2 * kStart);
}

TEST(ReceiveBufferTest, ReadsALargeFrameExactly) {
  ReceiveBuffer buffer(kStart, kMax);
  while (Fill(buffer, 1000, kMax) > 0 && buffer.size() < 1000) {
  }
  EXPECT_EQ(buffer.size(), 1000u);
  buffer.Consume(1000);
  EXPECT_EQ(buffer.Prepare(0).size(), kStart);
}

TEST(ReceiveBufferTest, IsFullAtItsLimit) {
  ReceiveBuffer buffer(kStart, kMax);
  while (Fill(buffer, 5000, kMax) > 0) {
  }
  EXPECT_EQ(buffer.size(), kMax);
  EXPECT_EQ(buffer.capacity(), kMax);
}

TEST(ReceiveBufferTest, KeepsOrderAcrossPartialConsumption) {
  ReceiveBuffer buffer(kStart, kMax);
  Fill(buffer, 0, 40, 'a');
  buffer.Consume(30);
  Fill(buffer, 0, 40, 'b');
  buffer.Consume(5);
  Fill(buffer, 100, 500, 'c');
  const std::string held(buffer.data().begin(), buffer.data().end());
  EXPECT_EQ(held.substr(0, 5), "aaaaa");
  EXPECT_EQ(held.substr(5, 40), std::string(40, 'b'));
}

TEST(ReceiveBufferTest, ANonsenseConsumptionIsBounded) {
  ReceiveBuffer buffer(kStart, kMax);
  Fill(buffer, 0, 10);
  buffer.Consume(1000);
  EXPECT_EQ(buffer.size(), 0u);
}

TEST(ReceiveBufferTest, TrimGivesBackWhatAnIdleConnectionDoesNotNeed) {
  ReceiveBuffer buffer(kStart, kMax);
  while (buffer.size() < 1000) Fill(buffer, 1000, kMax);
  buffer.Consume(1000);
  EXPECT_TRUE(buffer.Trim());  // it was needed since the last time
  EXPECT_EQ(buffer.capacity(), kMax);
  EXPECT_FALSE(buffer.Trim());
  EXPECT_EQ(buffer.capacity(), 0u);
  Fill(buffer, 0, 10, 'z');
  EXPECT_EQ(buffer.data()[9], 'z');
}

TEST(ReceiveBufferTest, TrimShrinksToWhatIsUsedAndKeepsWhatIsHeld) {
  ReceiveBuffer buffer(kStart, kMax);
  while (buffer.size() < 1000) Fill(buffer, 1000, kMax);
  buffer.Consume(1000);
  EXPECT_TRUE(buffer.Trim());
  Fill(buffer, 0, 50, 'k');
  EXPECT_TRUE(buffer.Trim());
  EXPECT_EQ(buffer.capacity(), kStart);
  EXPECT_FALSE(buffer.Trim());
  EXPECT_EQ(std::string(buffer.data().begin(), buffer.data().end()), std::string(50, 'k'));
}

}  // namespace
}  // namespace leat
