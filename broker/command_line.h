#pragma once

#include <optional>
#include <string>

#include "broker/config_load.h"

namespace leat {

// Exit codes of leatd; --help lists them.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitLocked = 3,
  kExitFormat = 4,
};

struct CommandLine {
  enum class Action { kServe, kCheckConfig, kPrintConfig };
  Action action = Action::kServe;
  bool json = false;
  ConfigSources sources;
  std::optional<int> exit_code;  // set when there is nothing more to do: help, version, wrong usage
};

// Reads flags and environment; prints help, version and complaints itself.
CommandLine ParseCommandLine(int argc, const char* const* argv, const char* const* environment);

}  // namespace leat
