#include <unistd.h>

#include <cmath>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/admin.h"
#include "tools/cli/commands.h"
#include "tools/cli/json.h"
#include "tools/cli/quantity.h"
#include "tools/cli/table.h"
#include "tools/cli/terminal.h"

namespace leat {
namespace {

struct InfoOptions {
  bool settings = false;
  std::string output;
};

Json NumberJson(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::isfinite(value) && value == std::floor(value) && std::abs(value) < kExact) {
    return static_cast<int64_t>(value);
  }
  return value;
}

std::string NumberText(double value) {
  const Json json = NumberJson(value);
  return json.is_number_integer() ? absl::StrCat(json.get<int64_t>()) : absl::StrFormat("%.3f", value);
}

Json LimitsJson(const ServerLimits& limits) {
  return {{"frame_bytes_max", limits.frame_bytes_max},
          {"batch_bytes_max", limits.batch_bytes_max},
          {"connection_bytes_in_flight_max", limits.connection_bytes_in_flight_max},
          {"fetch_bytes_max", limits.fetch_bytes_max},
          {"fetch_wait_ms_max", limits.fetch_wait_ms_max},
          {"idle_ms_max", limits.idle_ms_max},
          {"partitions_per_request_max", limits.partitions_per_request_max},
          {"partitions_per_topic_max", limits.partitions_per_topic_max}};
}

Json RecoveryJson(const RecoveryFigures& recovery) {
  return {{"clean", recovery.clean},
          {"partitions", recovery.partitions},
          {"batches_scanned", recovery.batches_scanned},
          {"bytes_scanned", recovery.bytes_scanned},
          {"bytes_cut", recovery.bytes_cut},
          {"bytes_refilled", recovery.bytes_refilled},
          {"indexes_rebuilt", recovery.indexes_rebuilt},
          {"partitions_fenced", recovery.partitions_fenced},
          {"partitions_damaged", recovery.partitions_damaged},
          {"duration_ms", recovery.duration_ms},
          {"notes", recovery.notes}};
}

Json SettingsJson(const std::vector<SettingDescription>& settings) {
  Json list = Json::array();
  for (const SettingDescription& setting : settings) {
    list.push_back({{"name", setting.name},
                    {"value", setting.value},
                    {"default", setting.is_default},
                    {"type", setting.type},
                    {"doc", setting.doc}});
  }
  return list;
}

Json InfoJson(const ServerDescription& server, const std::string& address) {
  return {{"address", address},
          {"version", server.server_version},
          {"protocol_version_min", server.protocol_version_min},
          {"protocol_version_max", server.protocol_version_max},
          {"uptime_ms", server.uptime_ms},
          {"data_id", server.data_id},
          {"data_dir", server.data_dir},
          {"topics", server.topics},
          {"partitions", server.partitions},
          {"connections", server.connections},
          {"durability",
           {{"syncs", server.durability.syncs},
            {"sync_p50_us", server.durability.sync_p50_us},
            {"sync_p99_us", server.durability.sync_p99_us},
            {"sync_max_us", server.durability.sync_max_us},
            {"group_p50", server.durability.group_p50},
            {"disk_free_bytes", server.durability.disk_free_bytes}}},
          {"recovery", RecoveryJson(server.recovery)},
          {"limits", LimitsJson(server.limits)}};
}

std::string RecoveryText(const RecoveryFigures& recovery) {
  return absl::StrCat(
      recovery.clean ? "after a clean stop" : "after an unclean stop", ", ",
      Count(recovery.partitions, "partition"), " in ", FormatSpan(absl::Milliseconds(recovery.duration_ms)),
      "; scanned ", FormatBytes(recovery.bytes_scanned), ", refilled ", FormatBytes(recovery.bytes_refilled),
      ", cut ", FormatBytes(recovery.bytes_cut), ", rebuilt ", recovery.indexes_rebuilt,
      recovery.indexes_rebuilt == 1 ? " index" : " indexes", ", fenced ",
      Count(recovery.partitions_fenced, "partition"), ", damaged ", recovery.partitions_damaged);
}

std::string InfoText(const ServerDescription& server, const std::string& address) {
  const DurabilityFigures& durability = server.durability;
  const auto micros = [](uint64_t us) { return FormatSpan(absl::Microseconds(us)); };
  std::vector<std::pair<std::string, std::string>> fields = {
      {"address", address},
      {"version", absl::StrCat(server.server_version, ", protocol ", server.protocol_version_min, " to ",
                               server.protocol_version_max)},
      {"up", FormatSpan(absl::Milliseconds(server.uptime_ms))},
      {"data directory", absl::StrCat(server.data_dir, " (", server.data_id, ")")},
      {"free disk space", FormatBytes(durability.disk_free_bytes)},
      {"topics", absl::StrCat(server.topics, " with ", Count(server.partitions, "partition"))},
      {"connections", absl::StrCat(server.connections)},
      {"syncs", absl::StrCat(durability.syncs, "; p50 ", micros(durability.sync_p50_us), ", p99 ",
                             micros(durability.sync_p99_us), ", longest ", micros(durability.sync_max_us),
                             "; ", Count(durability.group_p50, "partition"), " per group (p50)")},
      {"recovery", RecoveryText(server.recovery)},
  };
  for (const std::string& note : server.recovery.notes) fields.emplace_back("", note);
  const ServerLimits& limits = server.limits;
  fields.emplace_back(
      "limits",
      absl::StrCat("frame ", FormatBytes(limits.frame_bytes_max), ", batch ",
                   FormatBytes(limits.batch_bytes_max), ", fetch ", FormatBytes(limits.fetch_bytes_max),
                   ", in flight per connection ", FormatBytes(limits.connection_bytes_in_flight_max)));
  return RenderFields(fields);
}

absl::Status ServerInfo(CommandLine* line, const InfoOptions& options) {
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line);
  if (!client.ok()) return client.status();
  const absl::StatusOr<ServerDescription> server =
      Admin(**client).DescribeServer(false, options.settings).Get();
  if (!server.ok()) return server.status();
  if (ParseOutputFormat(options.output) == OutputFormat::kJson) {
    Json json = InfoJson(*server, line->address);
    if (options.settings) json["settings"] = SettingsJson(server->settings);
    line->out.Write(DumpPretty(json));
    return absl::OkStatus();
  }
  line->out.Write(InfoText(*server, line->address));
  if (!options.settings) return absl::OkStatus();
  Table table({{"SETTING"}, {"VALUE"}, {""}});
  for (const SettingDescription& setting : server->settings) {
    table.Add({setting.name, setting.value, setting.is_default ? "(default)" : ""});
  }
  line->out.Write(absl::StrCat("\n", table.Render(UseColour(STDOUT_FILENO))));
  return absl::OkStatus();
}

absl::Status ServerStats(CommandLine* line, const std::string& output) {
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line);
  if (!client.ok()) return client.status();
  const absl::StatusOr<ServerDescription> server = Admin(**client).DescribeServer(true, false).Get();
  if (!server.ok()) return server.status();
  Json list = Json::array();
  Table table({{"METRIC"}, {"VALUE", Table::Align::kRight}, {"UNIT"}, {"KIND"}, {"MEANING"}});
  for (const auto& metric : server->metrics) {
    list.push_back({{"name", metric.name},
                    {"value", NumberJson(metric.value)},
                    {"unit", metric.unit},
                    {"kind", metric.kind},
                    {"doc", metric.doc}});
    table.Add({metric.name, NumberText(metric.value), metric.unit, metric.kind, metric.doc});
  }
  const bool json = ParseOutputFormat(output) == OutputFormat::kJson;
  line->out.Write(json ? DumpPretty(list) : table.Render(UseColour(STDOUT_FILENO)));
  return absl::OkStatus();
}

}  // namespace

void AddServerCommands(CommandLine* line) {
  CLI::App* const server = line->app.add_subcommand("server", "Asks the daemon about itself.");
  server->require_subcommand(1);
  CLI::App* const info =
      server->add_subcommand("info", "Version, uptime, durability, what recovery found, limits.");
  auto options = std::make_shared<InfoOptions>();
  info->add_flag("--settings", options->settings, "also every setting of the daemon");
  AddOutputOption(info, &options->output, {"table", "json"});
  info->callback([line, options] { line->run = [line, options] { return ServerInfo(line, *options); }; });

  CLI::App* const stats = server->add_subcommand("stats", "Counters and gauges.");
  auto output = std::make_shared<std::string>();
  AddOutputOption(stats, output.get(), {"table", "json"});
  stats->callback([line, output] { line->run = [line, output] { return ServerStats(line, *output); }; });
}

void AddVersionCommand(CommandLine* line) {
  CLI::App* const version = line->app.add_subcommand("version", "Prints the version of this program.");
  auto output = std::make_shared<std::string>();
  AddOutputOption(version, output.get(), {"table", "json"});
  version->callback([line, output] {
    line->run = [line, output] {
      const bool json = ParseOutputFormat(*output) == OutputFormat::kJson;
      line->out.Write(json ? Dump({{"version", LEAT_VERSION}}) + "\n" : "leat " LEAT_VERSION "\n");
      return absl::OkStatus();
    };
  });
}

}  // namespace leat
