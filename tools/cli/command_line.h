#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "tools/cli/output.h"

namespace leat {

// How results are printed (-o).
enum class OutputFormat { kTable, kJson, kName };

// The whole command line: its grammar, the options that all commands share, and the command that was chosen.
// Each command adds itself (commands.h) with options of its own, and its callback sets `run`. One thread.
struct CommandLine {
  CommandLine();

  CLI::App app;
  std::string address = "localhost:9640";
  std::string timeout = "30s";
  CLI::Option* timeout_option = nullptr;
  std::function<absl::Status()> run;
  Output out;  // standard output
};

// Runs the chosen command for these arguments; gives the process's exit code. Prints errors as "leat: ..." to
// standard error.
int RunCommandLine(int argc, char** argv);

// Adds `-o` for a command that knows these of "table", "json" and "name"; the first one is the default.
void AddOutputOption(CLI::App* command, std::string* value, const std::vector<std::string>& allowed);
OutputFormat ParseOutputFormat(const std::string& value);

// The value of --timeout.
absl::StatusOr<absl::Duration> TimeoutOf(const CommandLine& line);

// A client that is connected. kUnavailable, kTimedOut; a usage error for an address that is none.
absl::StatusOr<std::unique_ptr<Client>> ConnectClient(const CommandLine& line);

// The command failed and has said why already: exit code 1, nothing more is printed.
absl::Status AlreadyReported();

// "leat: ..." on standard error.
void PrintError(const absl::Status& status);
void PrintNote(absl::string_view text);

}  // namespace leat
