#include "tools/cli/exit_code.h"

#include <gtest/gtest.h>

#include "protocol/record/error.h"
#include "tools/cli/command_line.h"
#include "tools/cli/explain.h"

namespace leat {
namespace {

TEST(ExitCode, TellsKindsOfFailureApart) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(UsageError("x")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorCode::kUnknownTopic, "x")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorCode::kUnknownPartition, "x")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorCode::kUnavailable, "x")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorCode::kTimedOut, "x")), ExitCode::kTimedOut);
  EXPECT_EQ(ExitCodeOf(MakeError(ErrorCode::kDiskFull, "x")), ExitCode::kFailed);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("x")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(AlreadyReported()), ExitCode::kFailed);
}

TEST(ExitCode, SurvivesOtherWords) {
  const absl::Status changed = WithMessage(MakeError(ErrorCode::kTimedOut, "before"), "after");
  EXPECT_EQ(ExitCodeOf(changed), ExitCode::kTimedOut);
  EXPECT_EQ(changed.message(), "after");
  EXPECT_EQ(ExitCodeOf(WithMessage(UsageError("x"), "y")), ExitCode::kUsage);
}

TEST(UnknownTopicAdvice, NamesWhatExists) {
  EXPECT_EQ(UnknownTopicAdvice("a", {}), "there are no topics yet: create it with 'leat topic create a'");
  EXPECT_EQ(UnknownTopicAdvice("ordrs", {"orders", "x"}), "did you mean 'orders'? topics are: orders, x");
  EXPECT_EQ(UnknownTopicAdvice("zzz", {"orders"}), "topics are: orders");
}

}  // namespace
}  // namespace leat
