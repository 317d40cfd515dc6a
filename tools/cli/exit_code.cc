#include "tools/cli/exit_code.h"

#include "absl/strings/cord.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

constexpr absl::string_view kUsageUrl = "leat/usage";

}  // namespace

ExitCode ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return ExitCode::kOk;
  if (status.GetPayload(kUsageUrl).has_value()) return ExitCode::kUsage;
  switch (CodeOf(status)) {
    case ErrorCode::kUnavailable:
    case ErrorCode::kShuttingDown:
      return ExitCode::kUnreachable;
    case ErrorCode::kTimedOut:
      return ExitCode::kTimedOut;
    case ErrorCode::kUnknownTopic:
    case ErrorCode::kUnknownPartition:
      return ExitCode::kNotFound;
    default:
      return absl::IsNotFound(status) ? ExitCode::kNotFound : ExitCode::kFailed;
  }
}

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsageUrl, absl::Cord("usage"));
  return status;
}

absl::Status WithMessage(const absl::Status& status, absl::string_view message) {
  absl::Status changed(status.code(), message);
  status.ForEachPayload(
      [&changed](absl::string_view url, const absl::Cord& payload) { changed.SetPayload(url, payload); });
  return changed;
}

absl::string_view ExitCodeHelp() {
  return "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no such topic, partition or file,\n"
         "            5 daemon unreachable, 6 timed out";
}

}  // namespace leat
