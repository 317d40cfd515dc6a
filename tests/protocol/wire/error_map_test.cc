#include "protocol/wire/error_map.h"

#include <string>

#include "gtest/gtest.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

wire::Error Wire(const absl::Status& status) {
  wire::Error error;
  ToWire(status, &error);
  return error;
}

TEST(ErrorMapTest, EveryErrorSurvivesTheTrip) {
  for (const ErrorInfo& info : ErrorTable()) {
    if (info.code == ErrorCode::kNone) continue;
    const absl::Status sent = MakeError(info.code, "cause and remedy");
    const wire::Error error = Wire(sent);
    EXPECT_EQ(error.code(), static_cast<int32_t>(info.code));
    const absl::Status received = FromWire(error);
    EXPECT_EQ(CodeOf(received), info.code);
    EXPECT_EQ(received.code(), info.status);
    EXPECT_EQ(received.message(), "cause and remedy");
    EXPECT_EQ(IsRetriable(received), info.retriable);
    EXPECT_FALSE(ResumeOffsetOf(received).has_value());
  }
}

TEST(ErrorMapTest, WhereReadingGoesOnSurvivesTheTrip) {
  const absl::Status lost = WithResumeOffset(MakeError(ErrorCode::kDataLoss, "damaged"), 4711);
  EXPECT_EQ(ResumeOffsetOf(FromWire(Wire(lost))), 4711);
}

TEST(ErrorMapTest, SuccessIsAnEmptyError) {
  EXPECT_EQ(Wire(absl::OkStatus()).ByteSizeLong(), 0u);
  EXPECT_TRUE(FromWire(wire::Error()).ok());
}

TEST(ErrorMapTest, SuccessOverwritesWhatWasThere) {
  wire::Error error;
  error.set_code(20);
  error.set_message("old");
  ToWire(absl::OkStatus(), &error);
  EXPECT_EQ(error.ByteSizeLong(), 0u);
}

TEST(ErrorMapTest, UnknownNumberKeepsNumberAndMessage) {
  for (const int32_t number : {999, -1, 2147483647}) {
    wire::Error error;
    error.set_code(number);
    error.set_message("from the future");
    const absl::Status status = FromWire(error);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(static_cast<int32_t>(CodeOf(status)), number);
    EXPECT_EQ(status.message(), "from the future");
    EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
    EXPECT_FALSE(IsRetriable(status));
    EXPECT_EQ(Wire(status).code(), number);
  }
}

TEST(ErrorMapTest, EmptyMessageBecomesTheMeaning) {
  EXPECT_EQ(Wire(MakeError(ErrorCode::kDiskFull, "")).message(),
            std::string(InfoOf(ErrorCode::kDiskFull).meaning));
  wire::Error error;
  error.set_code(60);
  EXPECT_EQ(FromWire(error).message(), InfoOf(ErrorCode::kDiskFull).meaning);
}

TEST(ErrorMapTest, StatusWithoutACodeBecomesTheNearest) {
  EXPECT_EQ(Wire(absl::DeadlineExceededError("late")).code(), static_cast<int32_t>(ErrorCode::kTimedOut));
}

// Protobuf parsers refuse a string that is not UTF-8; the reply would be lost with it.
TEST(ErrorMapTest, MessageIsMadeValidUtf8) {
  const auto message = [](const std::string& text) {
    return Wire(MakeError(ErrorCode::kUnknown, text)).message();
  };
  EXPECT_EQ(message("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
            "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(message("a\xff\xfe"), "a??");
  EXPECT_EQ(message("\xc0\xaf|\xe0\x80\x80|\xed\xa0\x80|\xf4\x90\x80\x80|\xf5\x80"), "??|???|???|????|??");
  EXPECT_EQ(message("cut \xe2\x82"), "cut ??");
}

TEST(ErrorMapTest, LongMessageIsCutBetweenCharacters) {
  EXPECT_EQ(Wire(MakeError(ErrorCode::kUnknown, std::string(5000, 'x'))).message().size(),
            kErrorMessageBytesMax);
  std::string euros;
  for (int i = 0; i < 1000; ++i) euros += "\xe2\x82\xac";
  EXPECT_EQ(Wire(MakeError(ErrorCode::kUnknown, euros)).message().size(), kErrorMessageBytesMax / 3 * 3);
}

}  // namespace
}  // namespace leat
