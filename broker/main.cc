#include <unistd.h>

#include <exception>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "broker/command_line.h"
#include "broker/daemon.h"
#include "broker/listen_address.h"
#include "protocol/record/error.h"

namespace {

int Complain(const absl::Status& status) {
  std::cerr << "leatd: " << status.message() << "\n";
  return leat::kExitUsage;
}

int Main(int argc, char** argv) {
  const leat::CommandLine line = leat::ParseCommandLine(argc, argv, environ);
  if (line.exit_code.has_value()) return *line.exit_code;
  // A pipe would pass for an empty file.
  std::error_code error;
  const auto type = std::filesystem::status(line.sources.file, error).type();
  if (!line.sources.file.empty() && std::filesystem::exists(std::filesystem::file_status(type)) &&
      type != std::filesystem::file_type::regular) {
    return Complain(leat::MakeError(leat::ErrorCode::kInvalidConfig,
                                    "configuration " + line.sources.file + " is not a regular file"));
  }
  const absl::StatusOr<leat::LoadedConfig> loaded = leat::LoadConfig(line.sources, leat::PosixFileSystem());
  if (!loaded.ok()) return Complain(loaded.status());
  switch (line.action) {
    case leat::CommandLine::Action::kPrintConfig:
      std::cout << leat::PrintConfig(*loaded, line.json);
      return leat::kExitOk;
    case leat::CommandLine::Action::kCheckConfig: {
      const auto endpoints = leat::ResolveListenAddress(loaded->config.listen, loaded->config.insecure);
      if (!endpoints.ok()) return Complain(endpoints.status());
      std::cout << "the configuration is good\n";
      return leat::kExitOk;
    }
    case leat::CommandLine::Action::kServe:
      break;
  }
  return leat::RunDaemon(*loaded);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "leatd: " << error.what() << "\n";
    return leat::kExitFailed;
  }
}
