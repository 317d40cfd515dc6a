#include "broker/command_line.h"

#include <iostream>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "broker/version.h"

namespace leat {
namespace {

constexpr char kFooter[] =
    R"(Each setting can also be given by environment variable (LEAT_ and its name in capitals, dots as
underscores: LEAT_DATA_DIR, LEAT_TOPIC_SEGMENT_BYTES), in the TOML file of --config (or LEAT_CONFIG), and by
--set NAME=VALUE. Flags come before environment, environment before file, file before defaults.
leatd --print-config lists all settings with their values and where these come from.

Exit codes:
  0  stopped as asked
  1  failed: storage, address, or stopped by a second signal
  2  wrong usage or configuration
  3  another process uses the data directory
  4  the data directory has an unknown or newer format

Start with an example:
  leatd --data-dir ./data
  leat produce demo)";

std::vector<std::pair<std::string, std::string>> Variables(const char* const* environment) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (; *environment != nullptr; ++environment) {
    const std::string entry = *environment;
    const size_t equals = entry.find('=');
    if (equals != std::string::npos)
      variables.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return variables;
}

void AddSettingFlag(CLI::App& app, CommandLine& line, const std::string& flag, const std::string& setting,
                    const std::string& type) {
  std::string doc;
  for (const SettingInfo& info : ConfigSettings()) {
    if (info.name == setting) doc = info.doc;
  }
  app.add_option_function<std::string>(
         flag,
         [&line, setting](const std::string& value) { line.sources.flags.emplace_back(setting, value); }, doc)
      ->type_name(type);
}

void AddSet(CLI::App& app, CommandLine& line) {
  app.add_option_function<std::vector<std::string>>(
         "--set",
         [&line](const std::vector<std::string>& assignments) {
           for (const std::string& assignment : assignments) {
             const size_t equals = assignment.find('=');
             if (equals == std::string::npos) {
               throw CLI::ValidationError("--set", absl::StrCat("\"", assignment, "\" is not NAME=VALUE"));
             }
             line.sources.flags.emplace_back(assignment.substr(0, equals), assignment.substr(equals + 1));
           }
         },
         "Set any setting; may be given several times.")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv, const char* const* environment) {
  CommandLine line;
  line.sources.environment = Variables(environment);
  for (const auto& [name, value] : line.sources.environment) {
    if (name == "LEAT_CONFIG") line.sources.file = value;
  }

  CLI::App app("leatd: the Leat log broker", "leatd");
  app.footer(kFooter);
  app.set_version_flag("--version", absl::StrCat("leatd ", Version()));
  app.add_option("--config", line.sources.file, "TOML file with settings.")->type_name("FILE");
  AddSettingFlag(app, line, "--data-dir", "data_dir", "DIR");
  AddSettingFlag(app, line, "--listen", "listen", "HOST:PORT");
  AddSettingFlag(app, line, "--port-file", "port_file", "FILE");
  AddSettingFlag(app, line, "--network-threads", "network_threads", "N");
  AddSettingFlag(app, line, "--log-level", "log_level", "LEVEL");
  AddSettingFlag(app, line, "--log-format", "log_format", "text|json");
  app.add_flag_callback(
      "--insecure", [&line] { line.sources.flags.emplace_back("insecure", "true"); },
      "Listen beyond loopback although nobody has to authenticate.");
  AddSet(app, line);
  bool check = false;
  bool print = false;
  std::string output = "table";
  app.add_flag("--check-config", check, "Check the configuration and exit.");
  app.add_flag("--print-config", print, "Print every setting, its value and its source, and exit.");
  app.add_option("-o,--output", output, "Form of --print-config.")
      ->type_name("table|json")
      ->check(CLI::IsMember({"table", "json"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.exit_code = app.exit(error, std::cout, std::cerr) == 0 ? kExitOk : kExitUsage;
    return line;
  }
  line.json = output == "json";
  if (check) line.action = CommandLine::Action::kCheckConfig;
  if (print) line.action = CommandLine::Action::kPrintConfig;
  return line;
}

}  // namespace leat
