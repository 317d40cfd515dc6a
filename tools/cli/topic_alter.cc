#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/admin.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/explain.h"
#include "tools/cli/json.h"
#include "tools/cli/topic_commands.h"

namespace leat {
namespace {

struct AlterOptions {
  std::string name;
  std::vector<std::string> set;
  std::vector<std::string> reset;
  uint32_t partitions = 0;
  bool dry_run = false;
  std::string output;
};

struct Change {
  std::string what;
  std::string from;
  std::string to;
};

std::string ValueOf(const TopicDescription& description, const std::string& name) {
  const auto found =
      std::find_if(description.settings.begin(), description.settings.end(),
                   [&name](const SettingDescription& setting) { return setting.name == name; });
  return found == description.settings.end() ? "" : found->value;
}

// What a change would do, from what was asked for: the daemon does not tell.
std::vector<Change> PlannedChanges(const TopicDescription& before, const TopicUpdate& update) {
  std::vector<Change> changes;
  for (const auto& [name, value] : update.set) changes.push_back({name, ValueOf(before, name), value});
  for (const std::string& name : update.reset) changes.push_back({name, ValueOf(before, name), "(default)"});
  if (update.partitions != 0) {
    changes.push_back({"partitions", absl::StrCat(before.topic.partitions), absl::StrCat(update.partitions)});
  }
  return changes;
}

std::vector<Change> ActualChanges(const TopicDescription& before, const TopicDescription& after) {
  std::vector<Change> changes;
  for (const SettingDescription& setting : after.settings) {
    const std::string old = ValueOf(before, setting.name);
    if (old != setting.value) changes.push_back({setting.name, old, setting.value});
  }
  if (before.topic.partitions != after.topic.partitions) {
    changes.push_back(
        {"partitions", absl::StrCat(before.topic.partitions), absl::StrCat(after.topic.partitions)});
  }
  return changes;
}

void PrintChanges(const AlterOptions& options, const std::vector<Change>& changes, Output* out) {
  if (ParseOutputFormat(options.output) == OutputFormat::kJson) {
    Json json = {{"topic", options.name}, {"dry_run", options.dry_run}, {"changes", Json::array()}};
    for (const Change& change : changes) {
      json["changes"].push_back({{"name", change.what}, {"from", change.from}, {"to", change.to}});
    }
    return out->Write(DumpPretty(json));
  }
  if (changes.empty()) out->Write(absl::StrCat("topic '", options.name, "' is as it was\n"));
  for (const Change& change : changes) {
    out->Write(absl::StrCat(options.dry_run ? "would change " : "changed ", change.what, ": ", change.from,
                            " -> ", change.to, "\n"));
  }
}

absl::Status AlterTopic(CommandLine* line, const AlterOptions& options) {
  if (options.set.empty() && options.reset.empty() && options.partitions == 0) {
    return UsageError("nothing to change: use --set, --reset or --partitions");
  }
  absl::StatusOr<SettingList> settings = ParseSettings(options.set);
  if (!settings.ok()) return settings.status();
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line);
  if (!client.ok()) return client.status();
  const Admin admin(**client);
  const absl::StatusOr<TopicDescription> before = admin.DescribeTopic(options.name).Get();
  if (!before.ok()) return ExplainTopicError(admin, options.name, before.status());
  TopicUpdate update;
  update.name = options.name;
  update.set = *settings;
  update.reset = options.reset;
  update.partitions = options.partitions;
  update.validate_only = options.dry_run;
  const absl::StatusOr<uint32_t> altered = admin.AlterTopic(update).Get();
  if (!altered.ok()) return ExplainTopicError(admin, options.name, altered.status());
  if (options.dry_run) {
    PrintChanges(options, PlannedChanges(*before, update), &line->out);
    return absl::OkStatus();
  }
  const absl::StatusOr<TopicDescription> after = admin.DescribeTopic(options.name).Get();
  if (!after.ok()) return after.status();
  PrintChanges(options, ActualChanges(*before, *after), &line->out);
  return absl::OkStatus();
}

}  // namespace

void AddTopicAlter(CommandLine* line, CLI::App* topic) {
  CLI::App* const command = topic->add_subcommand("alter", "Changes settings, or adds partitions.");
  auto options = std::make_shared<AlterOptions>();
  command->add_option("NAME", options->name, "the topic")->required();
  command->add_option("-s,--set", options->set, "NAME=VALUE; may be repeated")->allow_extra_args(false);
  command
      ->add_option("-r,--reset", options->reset,
                   "NAME of a setting that goes back to the default; may be repeated")
      ->allow_extra_args(false);
  command
      ->add_option("-p,--partitions", options->partitions, "new number of partitions; never fewer than now")
      ->check(CLI::Range(1, 1'000'000));
  command->add_flag("--dry-run", options->dry_run, "only check, and show what would change");
  AddOutputOption(command, &options->output, {"table", "json"});
  command->callback([line, options] { line->run = [line, options] { return AlterTopic(line, *options); }; });
}

}  // namespace leat
