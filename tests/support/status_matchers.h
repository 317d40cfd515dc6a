#pragma once

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "protocol/record/error.h"

// Matchers for absl::Status and absl::StatusOr:
//   EXPECT_THAT(file->Sync(), IsOk());
//   EXPECT_THAT(file->Size(), IsOkAndHolds(4096));
//   EXPECT_THAT(result, StatusIs(ErrorCode::kDiskFull));
//   ASSERT_OK_AND_ASSIGN(const uint64_t size, file->Size());

namespace leat {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, negation ? "is not OK" : "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(IsOkAndHolds, value, "is OK and holds " + ::testing::PrintToString(value)) {
  if (!arg.ok()) {
    *result_listener << StatusOf(arg).ToString();
    return false;
  }
  using Value = typename std::decay_t<decltype(arg)>::value_type;
  return ::testing::ExplainMatchResult(::testing::SafeMatcherCast<const Value&>(value), *arg,
                                       result_listener);
}

MATCHER_P(StatusIs, code, "has error code " + std::string(InfoOf(code).name)) {
  *result_listener << InfoOf(CodeOf(StatusOf(arg))).name << ": " << StatusOf(arg).ToString();
  return CodeOf(StatusOf(arg)) == code;
}

}  // namespace leat

#define LEAT_CONCAT_INNER(a, b) a##b
#define LEAT_CONCAT(a, b) LEAT_CONCAT_INNER(a, b)
#define LEAT_ASSIGN_OR_RETURN_FATAL(result, declaration, expression)             \
  auto result = (expression);                                                    \
  ASSERT_TRUE(result.ok()) << #expression << ": " << result.status().ToString(); \
  declaration = *std::move(result)

// Evaluates to the value of a StatusOr, or ends the test.
#define ASSERT_OK_AND_ASSIGN(declaration, expression) \
  LEAT_ASSIGN_OR_RETURN_FATAL(LEAT_CONCAT(leat_result_, __LINE__), declaration, expression)
