#include "protocol/record/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace leat {
namespace {

TEST(ErrorTable, IsOrderedByNumberWithoutDuplicates) {
  int32_t previous = -1;
  std::set<std::string> names;
  for (const ErrorInfo& info : ErrorTable()) {
    EXPECT_GT(static_cast<int32_t>(info.code), previous);
    previous = static_cast<int32_t>(info.code);
    EXPECT_TRUE(names.insert(std::string(info.name)).second) << info.name;
    EXPECT_FALSE(info.meaning.empty());
    EXPECT_EQ(info.status == absl::StatusCode::kOk, info.code == ErrorCode::kNone);
  }
}

// No `default`, so that the compiler names an error that is missing here; each is then looked up.
bool IsKnown(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNone:
    case ErrorCode::kUnknown:
    case ErrorCode::kInvalidRequest:
    case ErrorCode::kUnsupportedVersion:
    case ErrorCode::kFrameTooLarge:
    case ErrorCode::kNotReady:
    case ErrorCode::kShuttingDown:
    case ErrorCode::kTimedOut:
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kUnknownTopic:
    case ErrorCode::kUnknownPartition:
    case ErrorCode::kTopicExists:
    case ErrorCode::kInvalidTopicName:
    case ErrorCode::kInvalidPartitionCount:
    case ErrorCode::kInvalidConfig:
    case ErrorCode::kCorruptBatch:
    case ErrorCode::kInvalidBatch:
    case ErrorCode::kBatchTooLarge:
    case ErrorCode::kInvalidTimestamp:
    case ErrorCode::kUnsupportedCodec:
    case ErrorCode::kOffsetOutOfRange:
    case ErrorCode::kDiskFull:
    case ErrorCode::kStorageError:
    case ErrorCode::kDataLoss:
    case ErrorCode::kPartitionFenced:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kUnsupportedFormat:
    case ErrorCode::kDirectoryLocked:
    case ErrorCode::kUnavailable:
      return true;
  }
  return false;
}

TEST(ErrorTable, EveryErrorHasARow) {
  size_t known = 0;
  for (int32_t number = 0; number < 1000; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    if (!IsKnown(code)) {
      EXPECT_EQ(InfoOf(code).code, ErrorCode::kUnknown) << number;
      continue;
    }
    ++known;
    EXPECT_EQ(InfoOf(code).code, code) << number;
  }
  EXPECT_EQ(known, ErrorTable().size());
}

TEST(Error, CarriesItsCodeThroughAStatus) {
  for (const ErrorInfo& info : ErrorTable()) {
    if (info.code == ErrorCode::kNone) continue;
    const absl::Status status = MakeError(info.code, "cause");
    EXPECT_EQ(status.code(), info.status);
    EXPECT_EQ(status.message(), "cause");
    EXPECT_EQ(CodeOf(status), info.code) << info.name;
    EXPECT_EQ(IsRetriable(status), info.retriable);
  }
}

TEST(Error, GivesForeignStatusesTheNearestCode) {
  EXPECT_EQ(CodeOf(absl::OkStatus()), ErrorCode::kNone);
  EXPECT_EQ(CodeOf(absl::InvalidArgumentError("x")), ErrorCode::kInvalidRequest);
  EXPECT_EQ(CodeOf(absl::DeadlineExceededError("x")), ErrorCode::kTimedOut);
  EXPECT_EQ(CodeOf(absl::UnavailableError("x")), ErrorCode::kUnavailable);
  EXPECT_EQ(CodeOf(absl::InternalError("x")), ErrorCode::kStorageError);
  EXPECT_EQ(CodeOf(absl::DataLossError("x")), ErrorCode::kDataLoss);
  EXPECT_EQ(CodeOf(absl::NotFoundError("x")), ErrorCode::kUnknown);
}

}  // namespace
}  // namespace leat
