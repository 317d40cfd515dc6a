#include "protocol/wire/frame.h"

#include <algorithm>
#include <string>

// rapidcheck/gtest.h needs gtest first
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "protocol/wire/leat.pb.h"
#include "rapidcheck/gtest.h"

namespace leat {
namespace {

constexpr size_t kMax = 1024 * 1024;

std::string HelloFrame(const std::string& payload) {
  wire::RequestHeader header;
  header.set_correlation_id(7);
  header.mutable_hello()->set_version_max(1);
  header.mutable_hello()->set_client_name("test");
  const absl::StatusOr<std::string> head = EncodeFrameHead(header, payload.size());
  EXPECT_TRUE(head.ok()) << head.status();
  return *head + payload;
}

absl::StatusOr<DecodedFrame> Decode(std::string& bytes, size_t max = kMax) {
  return DecodeFrame(absl::MakeSpan(bytes), max);
}

std::string Prefix(uint32_t rest, uint32_t header) {
  std::string out = "LEAT";
  for (const uint32_t value : {rest, header}) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  }
  return out;
}

TEST(FrameTest, PrefixHasTheDocumentedBytes) {
  wire::RequestHeader header;
  header.set_correlation_id(1);
  const absl::StatusOr<std::string> head = EncodeFrameHead(header, 258);
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(*head, std::string("LEAT\0\0\x01\x04\0\0\0\x02\x08\x01", 14));
}

TEST(FrameTest, WhatWasEncodedIsDecoded) {
  std::string bytes = HelloFrame("payload");
  const size_t frame_bytes = bytes.size();
  bytes += HelloFrame("next");
  const absl::StatusOr<DecodedFrame> decoded = Decode(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(decoded->complete);
  EXPECT_EQ(decoded->total_bytes, frame_bytes);
  EXPECT_EQ(std::string(decoded->frame.payload.begin(), decoded->frame.payload.end()), "payload");
  wire::RequestHeader header;
  ASSERT_TRUE(
      header.ParseFromArray(decoded->frame.header.data(), static_cast<int>(decoded->frame.header.size())));
  EXPECT_EQ(header.correlation_id(), 7u);
  EXPECT_EQ(header.hello().client_name(), "test");
}

TEST(FrameTest, PayloadLiesInTheCallersBuffer) {
  std::string bytes = HelloFrame("payload");
  const absl::StatusOr<DecodedFrame> decoded = Decode(bytes);
  ASSERT_TRUE(decoded.ok());
  decoded->frame.payload[0] = 'P';
  EXPECT_EQ(bytes.substr(bytes.size() - 7), "Payload");
}

// Every cut asks for more and never for less than what is already there.
TEST(FrameTest, EveryCutAsksForMore) {
  const std::string whole = HelloFrame(std::string(300, 'x'));
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    std::string bytes = whole.substr(0, cut);
    const absl::StatusOr<DecodedFrame> decoded = Decode(bytes);
    ASSERT_TRUE(decoded.ok()) << "cut at " << cut << ": " << decoded.status();
    EXPECT_FALSE(decoded->complete);
    EXPECT_EQ(decoded->total_bytes, cut < kFramePrefixBytes ? kFramePrefixBytes : whole.size());
  }
}

TEST(FrameTest, WrongMagicIsReportedFromTheFirstByte) {
  for (const char* text : {"G", "GET / HTTP/1.1\r\n", "L\n", "LE.", "LEAX", "\x16\x03\x01", "leat"}) {
    std::string bytes = text;
    EXPECT_EQ(CodeOf(Decode(bytes).status()), ErrorCode::kInvalidRequest) << text;
  }
}

TEST(FrameTest, LimitCountsThePrefix) {
  std::string at_limit = Prefix(kMax - 12, 10);
  EXPECT_TRUE(Decode(at_limit).ok());
  std::string above = Prefix(kMax - 11, 10);
  EXPECT_EQ(CodeOf(Decode(above).status()), ErrorCode::kFrameTooLarge);
  std::string most = Prefix(0xffffffff, 0xffffffff);
  EXPECT_EQ(CodeOf(Decode(most).status()), ErrorCode::kFrameTooLarge);
  EXPECT_EQ(CodeOf(Decode(most, size_t{1} << 40).status()), ErrorCode::kInvalidRequest);
}

TEST(FrameTest, HeaderHasToFitIntoTheFrame) {
  std::string fits = Prefix(10, 10) + std::string(10, '\0');
  EXPECT_TRUE(Decode(fits).ok());
  std::string longer = Prefix(10, 11) + std::string(11, '\0');
  EXPECT_EQ(CodeOf(Decode(longer).status()), ErrorCode::kInvalidRequest);
}

TEST(FrameTest, HeaderHasALimitOfItsOwn) {
  const size_t max = 64 * 1024 * 1024;
  std::string at_limit = Prefix(kHeaderBytesMax + 5, kHeaderBytesMax);
  EXPECT_TRUE(Decode(at_limit, max).ok());
  std::string above = Prefix(kHeaderBytesMax + 5, kHeaderBytesMax + 1);
  EXPECT_EQ(CodeOf(Decode(above, max).status()), ErrorCode::kInvalidRequest);
}

TEST(FrameTest, EmptyFrameIsAFrame) {
  std::string bytes = Prefix(0, 0);
  const absl::StatusOr<DecodedFrame> decoded = Decode(bytes);
  ASSERT_TRUE(decoded.ok());
  EXPECT_TRUE(decoded->complete);
  EXPECT_TRUE(decoded->frame.header.empty());
  EXPECT_TRUE(decoded->frame.payload.empty());
}

TEST(FrameTest, EncodingRefusesWhatThePrefixCannotSay) {
  wire::RequestHeader header;
  EXPECT_TRUE(EncodeFrameHead(header, 0xffffffff).ok());
  EXPECT_EQ(CodeOf(EncodeFrameHead(header, uint64_t{1} << 32).status()), ErrorCode::kFrameTooLarge);
  EXPECT_EQ(CodeOf(EncodeFrameHead(header, ~uint64_t{0}).status()), ErrorCode::kFrameTooLarge);
  header.set_correlation_id(1);
  EXPECT_EQ(CodeOf(EncodeFrameHead(header, 0xffffffff).status()), ErrorCode::kFrameTooLarge);
  header.mutable_create_topic()->set_name(std::string(kHeaderBytesMax, 'x'));
  EXPECT_EQ(CodeOf(EncodeFrameHead(header, 0).status()), ErrorCode::kFrameTooLarge);
}

// Whatever comes, the answer is an error, a wish for more within the limit, or a frame inside the buffer.
RC_GTEST_PROP(FramePropertyTest, AnyBytesAreSafe,
              (std::string tail, uint32_t rest, uint32_t header, bool magic)) {
  std::string bytes = (magic ? Prefix(rest % 4096, header % 4096) : "") + tail;
  const absl::StatusOr<DecodedFrame> decoded = Decode(bytes, 4096);
  if (!decoded.ok()) return;
  RC_ASSERT(decoded->total_bytes <= 4096u);
  RC_ASSERT(decoded->complete == (bytes.size() >= kFramePrefixBytes && decoded->total_bytes <= bytes.size()));
  if (!decoded->complete) return;
  const FrameView& frame = decoded->frame;
  RC_ASSERT(kFramePrefixBytes + frame.header.size() + frame.payload.size() == decoded->total_bytes);
  RC_ASSERT(frame.header.data() == bytes.data() + kFramePrefixBytes);
  RC_ASSERT(frame.payload.data() == frame.header.data() + frame.header.size());
}

}  // namespace
}  // namespace leat
