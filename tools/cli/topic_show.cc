#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/admin.h"
#include "protocol/record/error.h"
#include "tools/cli/explain.h"
#include "tools/cli/json.h"
#include "tools/cli/quantity.h"
#include "tools/cli/table.h"
#include "tools/cli/terminal.h"
#include "tools/cli/topic_commands.h"

namespace leat {
namespace {

constexpr Table::Align kRight = Table::Align::kRight;

struct ListOptions {
  bool internal = false;
  bool offsets = false;
  std::string output;
};

struct DescribeOptions {
  std::string name;
  std::string output;
};

// Sums over the partitions of a topic.
struct TopicTotals {
  int64_t records = 0;
  uint64_t bytes = 0;
};

TopicTotals TotalsOf(const TopicDescription& description) {
  TopicTotals totals;
  for (const PartitionDescription& partition : description.partitions) {
    totals.records += partition.visible_offset - partition.log_start_offset;
    totals.bytes += partition.bytes;
  }
  return totals;
}

Json SummaryJson(const TopicSummary& topic) {
  return {{"name", topic.name},
          {"topic_id", topic.topic_id},
          {"partitions", topic.partitions},
          {"durability", ToStdString(AcksName(topic.durability))},
          {"internal", absl::StartsWith(topic.name, "__")}};
}

// What `topic list --offsets` adds: one description per topic, asked for together.
absl::StatusOr<std::vector<TopicDescription>> DescribeAll(const Admin& admin,
                                                          const std::vector<TopicSummary>& topics) {
  std::vector<Future<absl::StatusOr<TopicDescription>>> questions;
  questions.reserve(topics.size());
  for (const TopicSummary& topic : topics) questions.push_back(admin.DescribeTopic(topic.name));
  std::vector<TopicDescription> descriptions;
  for (auto& question : questions) {
    absl::StatusOr<TopicDescription> description = question.Get();
    if (!description.ok()) return description.status();
    descriptions.push_back(*std::move(description));
  }
  return descriptions;
}

void PrintList(const std::vector<TopicSummary>& topics, const std::vector<TopicDescription>& details,
               bool json, Output* out) {
  const bool offsets = !details.empty();
  Json list = Json::array();
  std::vector<Table::Column> columns = {{"NAME"}, {"PARTITIONS", kRight}, {"DURABILITY"}};
  if (offsets) columns.insert(columns.end(), {{"RECORDS", kRight}, {"BYTES", kRight}});
  Table table(columns);
  for (size_t i = 0; i < topics.size(); ++i) {
    Json one = SummaryJson(topics[i]);
    std::vector<std::string> row = {topics[i].name, absl::StrCat(topics[i].partitions),
                                    ToStdString(AcksName(topics[i].durability))};
    if (offsets) {
      const TopicTotals totals = TotalsOf(details[i]);
      one["records"] = totals.records;
      one["bytes"] = totals.bytes;
      row.insert(row.end(), {absl::StrCat(totals.records), FormatBytes(totals.bytes)});
    }
    list.push_back(std::move(one));
    table.Add(std::move(row));
  }
  out->Write(json ? DumpPretty(list) : table.Render(UseColour(STDOUT_FILENO)));
}

absl::Status ListTopics(CommandLine* line, const ListOptions& options) {
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line);
  if (!client.ok()) return client.status();
  const Admin admin(**client);
  const absl::StatusOr<std::vector<TopicSummary>> topics = admin.ListTopics(options.internal).Get();
  if (!topics.ok()) return topics.status();
  const OutputFormat format = ParseOutputFormat(options.output);
  if (format == OutputFormat::kName) {
    for (const TopicSummary& topic : *topics) line->out.Write(absl::StrCat(topic.name, "\n"));
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<TopicDescription>> details = std::vector<TopicDescription>();
  if (options.offsets) details = DescribeAll(admin, *topics);
  if (!details.ok()) return details.status();
  PrintList(*topics, *details, format == OutputFormat::kJson, &line->out);
  return absl::OkStatus();
}

// "ok", or all that is wrong: "offsets 5 to 9 lost".
std::string StateText(const PartitionDescription& partition) {
  std::vector<std::string> troubles;
  if (!partition.state.ok()) troubles.push_back(ToStdString(partition.state.message()));
  for (const auto& [start, end] : partition.lost) {
    troubles.push_back(absl::StrCat("offsets ", start, " to ", end - 1, " lost"));
  }
  return troubles.empty() ? "ok" : absl::StrJoin(troubles, "; ");
}

Json LostJson(const PartitionDescription& partition) {
  Json lost = Json::array();
  for (const auto& [start, end] : partition.lost) lost.push_back({{"start", start}, {"end", end}});
  return lost;
}

Json DescriptionJson(const TopicDescription& description) {
  Json json = SummaryJson(description.topic);
  const TopicTotals totals = TotalsOf(description);
  json["records"] = totals.records;
  json["bytes"] = totals.bytes;
  json["settings"] = Json::array();
  for (const SettingDescription& setting : description.settings) {
    json["settings"].push_back({{"name", setting.name},
                                {"value", setting.value},
                                {"default", setting.is_default},
                                {"type", setting.type},
                                {"doc", setting.doc}});
  }
  json["partition_list"] = Json::array();
  for (const PartitionDescription& partition : description.partitions) {
    json["partition_list"].push_back({{"partition", partition.partition},
                                      {"partition_id", partition.partition_id},
                                      {"log_start_offset", partition.log_start_offset},
                                      {"durable_offset", partition.durable_offset},
                                      {"visible_offset", partition.visible_offset},
                                      {"end_offset", partition.end_offset},
                                      {"bytes", partition.bytes},
                                      {"segments", partition.segments},
                                      {"leader_epoch", partition.leader_epoch},
                                      {"state", StateText(partition)},
                                      {"lost", LostJson(partition)}});
  }
  return json;
}

// One word for the column; the reason stands below the table.
std::string StateName(const PartitionDescription& partition) {
  if (partition.state.ok()) return partition.lost.empty() ? "ok" : "damaged";
  return CodeOf(partition.state) == ErrorCode::kPartitionFenced ? "fenced" : "failed";
}

void PrintDescription(const TopicDescription& description, Output* out) {
  const bool colour = UseColour(STDOUT_FILENO);
  const TopicTotals totals = TotalsOf(description);
  out->Write(RenderFields({{"topic", description.topic.name},
                           {"partitions", absl::StrCat(description.topic.partitions)},
                           {"durability", ToStdString(AcksName(description.topic.durability))},
                           {"records", absl::StrCat(totals.records)},
                           {"bytes", FormatBytes(totals.bytes)}}));
  Table settings({{"SETTING"}, {"VALUE"}, {""}});
  for (const SettingDescription& setting : description.settings) {
    settings.Add({setting.name, setting.value, setting.is_default ? "(default)" : ""});
  }
  Table partitions({{"PARTITION", kRight},
                    {"LOG START", kRight},
                    {"DURABLE", kRight},
                    {"VISIBLE", kRight},
                    {"END", kRight},
                    {"BYTES", kRight},
                    {"SEGMENTS", kRight},
                    {"STATE"}});
  for (const PartitionDescription& partition : description.partitions) {
    partitions.Add({absl::StrCat(partition.partition), absl::StrCat(partition.log_start_offset),
                    absl::StrCat(partition.durable_offset), absl::StrCat(partition.visible_offset),
                    absl::StrCat(partition.end_offset), FormatBytes(partition.bytes),
                    absl::StrCat(partition.segments), StateName(partition)});
  }
  out->Write(absl::StrCat("\n", settings.Render(colour), "\n", partitions.Render(colour)));
  for (const PartitionDescription& partition : description.partitions) {
    if (partition.state.ok() && partition.lost.empty()) continue;
    out->Write(absl::StrCat("\npartition ", partition.partition, ": ", StateText(partition), "\n"));
  }
}

absl::Status DescribeTopic(CommandLine* line, const DescribeOptions& options) {
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line);
  if (!client.ok()) return client.status();
  const Admin admin(**client);
  const absl::StatusOr<TopicDescription> description = admin.DescribeTopic(options.name).Get();
  if (!description.ok()) return ExplainTopicError(admin, options.name, description.status());
  if (ParseOutputFormat(options.output) == OutputFormat::kJson) {
    line->out.Write(DumpPretty(DescriptionJson(*description)));
  } else {
    PrintDescription(*description, &line->out);
  }
  return absl::OkStatus();
}

}  // namespace

void AddTopicList(CommandLine* line, CLI::App* topic) {
  CLI::App* const command = topic->add_subcommand("list", "Lists the topics by name.");
  auto options = std::make_shared<ListOptions>();
  command->add_flag("--internal", options->internal, "those of the daemon itself too (names begin with __)");
  command->add_flag("--offsets", options->offsets, "also how many records and bytes each has");
  AddOutputOption(command, &options->output, {"table", "json", "name"});
  command->callback([line, options] { line->run = [line, options] { return ListTopics(line, *options); }; });
}

void AddTopicDescribe(CommandLine* line, CLI::App* topic) {
  CLI::App* const command = topic->add_subcommand("describe", "Shows settings and partitions of a topic.");
  auto options = std::make_shared<DescribeOptions>();
  command->add_option("NAME", options->name, "the topic")->required();
  AddOutputOption(command, &options->output, {"table", "json"});
  command->callback(
      [line, options] { line->run = [line, options] { return DescribeTopic(line, *options); }; });
}

}  // namespace leat
