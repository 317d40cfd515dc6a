#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace leat {

// What `leat` ends with. The numbers are part of the interface: scripts test them. 4 is kept for "not
// allowed".
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,        // the command line itself is wrong; nothing was done
  kNotFound = 3,     // no such topic, partition, file or directory
  kUnreachable = 5,  // no daemon answers at the address
  kTimedOut = 6,     // no answer within --timeout
};

// The exit code that tells `status` best.
ExitCode ExitCodeOf(const absl::Status& status);

// A mistake on the command line: carries ExitCode::kUsage.
absl::Status UsageError(absl::string_view message);

// The same error with other words.
absl::Status WithMessage(const absl::Status& status, absl::string_view message);

// The paragraph of --help that explains the codes.
absl::string_view ExitCodeHelp();

}  // namespace leat
