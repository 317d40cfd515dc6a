#include "tools/cli/command_line.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "tools/cli/commands.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/interrupt.h"
#include "tools/cli/parse_error.h"
#include "tools/cli/quantity.h"

namespace leat {
namespace {

constexpr absl::Duration kConnectTimeoutMax = absl::Seconds(5);

int ReportParseError(const CommandLine& line, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return line.app.exit(error);  // help and version
  PrintError(UsageError(ExplainParseError(line.app, error)));
  return static_cast<int>(ExitCode::kUsage);
}

// A descriptor that the caller closed would be given to a socket, which then got the output. /dev/null the
// wrong way round keeps its place, and using it fails.
void KeepStandardDescriptors() {
  for (const auto& [fd, flags] : {std::pair(STDIN_FILENO, O_WRONLY), std::pair(STDOUT_FILENO, O_RDONLY),
                                  std::pair(STDERR_FILENO, O_RDONLY)}) {
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)open("/dev/null", flags);  // takes the lowest one
  }
}

absl::string_view ConnectAdvice(const absl::Status& status) {
  switch (ExitCodeOf(status)) {
    case ExitCode::kUnreachable:
      return " (--address HOST:PORT or LEAT_ADDRESS)";
    case ExitCode::kTimedOut:
      return "; look whether it is a leatd and what its log says, or give it longer with --timeout";
    default:
      return "";
  }
}

}  // namespace

CommandLine::CommandLine()
    : app("Works with a Leat broker: topics, records, its data directory.", "leat"), out(STDOUT_FILENO) {
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "leat " LEAT_VERSION);
  app.add_option("--address", address, "HOST:PORT of the daemon")
      ->envname("LEAT_ADDRESS")
      ->capture_default_str();
  timeout_option =
      app.add_option("--timeout", timeout, "how long the daemon may take to answer")->capture_default_str();
  app.footer(absl::StrCat(
      "Every command takes --address HOST:PORT (or the environment's LEAT_ADDRESS) and --timeout TIME.\n",
      std::string(ExitCodeHelp())));
  AddProduceCommand(this);
  AddConsumeCommand(this);
  AddReplayCommand(this);
  AddTopicCommands(this);
  AddLogCommands(this);
  AddServerCommands(this);
  AddCompletionCommand(this);
  AddVersionCommand(this);
}

int RunCommandLine(int argc, char** argv) {
  KeepStandardDescriptors();
  IgnorePipeSignal();
  CommandLine line;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return ReportParseError(line, error);
  }
  absl::Status status = line.run();
  line.out.Flush();
  if (status.ok()) status = line.out.status();
  if (line.out.closed() && status.ok()) return static_cast<int>(ExitCode::kOk);
  if (!status.ok() && !status.message().empty()) PrintError(status);
  return static_cast<int>(ExitCodeOf(status));
}

void AddOutputOption(CLI::App* command, std::string* value, const std::vector<std::string>& allowed) {
  *value = allowed.front();
  command->add_option("-o,--output", *value, "how to print the result")
      ->check(CLI::IsMember(allowed))
      ->capture_default_str();
}

OutputFormat ParseOutputFormat(const std::string& value) {
  return value == "json" ? OutputFormat::kJson : value == "name" ? OutputFormat::kName : OutputFormat::kTable;
}

absl::StatusOr<absl::Duration> TimeoutOf(const CommandLine& line) {
  uint64_t seconds = 0;  // a bare number: people are used to it
  absl::StatusOr<absl::Duration> timeout = ParseNumber(line.timeout, &seconds) && seconds < 1'000'000'000
                                               ? absl::Seconds(seconds)
                                               : ParseSpan(line.timeout);
  if (timeout.ok() && *timeout <= absl::ZeroDuration()) {
    return UsageError("--timeout has to be longer than 0");
  }
  return timeout;
}

absl::StatusOr<std::unique_ptr<Client>> ConnectClient(const CommandLine& line) {
  const absl::StatusOr<absl::Duration> timeout = TimeoutOf(line);
  if (!timeout.ok()) return timeout.status();
  if (line.address.find("://") != std::string::npos) {
    return UsageError(
        absl::StrCat("'", line.address, "' is not an address; write HOST:PORT, without http://"));
  }
  ClientOptions options;
  options.address = line.address;
  options.client_name = "leat";
  options.operation_timeout = *timeout;
  options.connect_timeout = std::min(kConnectTimeoutMax, *timeout);
  options.request_timeout = *timeout;
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(std::move(options));
  if (client.ok()) return client;
  if (CodeOf(client.status()) == ErrorCode::kInvalidRequest) return UsageError(client.status().message());
  return WithMessage(client.status(),
                     absl::StrCat(client.status().message(), ConnectAdvice(client.status())));
}

absl::Status AlreadyReported() { return absl::AbortedError(""); }

void PrintError(const absl::Status& status) {
  const std::string text = absl::StrCat("leat: ", status.message(), "\n");
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void PrintNote(absl::string_view text) {
  const std::string note = absl::StrCat(text, "\n");
  std::fwrite(note.data(), 1, note.size(), stderr);
}

}  // namespace leat
