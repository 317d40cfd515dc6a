#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/admin.h"
#include "protocol/record/error.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/explain.h"
#include "tools/cli/json.h"
#include "tools/cli/nearest_name.h"
#include "tools/cli/quantity.h"
#include "tools/cli/terminal.h"
#include "tools/cli/topic_commands.h"

namespace leat {
namespace {

struct CreateOptions {
  std::vector<std::string> names;
  uint32_t partitions = 0;
  std::vector<std::string> config;
  bool if_not_exists = false;
  bool dry_run = false;
  std::string output;
};

struct DeleteOptions {
  std::vector<std::string> names;
  bool if_exists = false;
  bool yes = false;
  std::string output;
};

void PrintCreated(const std::string& name, const CreateOptions& options, const CreatedTopic& created,
                  Output* out) {
  switch (ParseOutputFormat(options.output)) {
    case OutputFormat::kJson:
      out->Write(Dump({{"topic", name},
                       {"topic_id", created.topic_id},
                       {"partitions", created.partitions},
                       {"created", created.created},
                       {"dry_run", options.dry_run}}));
      return out->Write("\n");
    case OutputFormat::kName:
      return out->Write(absl::StrCat(name, "\n"));
    case OutputFormat::kTable:
      break;
  }
  const std::string count = Count(created.partitions, "partition");
  const absl::string_view did = created.created   ? "created topic"
                                : options.dry_run ? "would create, if missing, topic"
                                                  : "there is already a topic";
  out->Write(absl::StrCat(did, " '", name, "' with ", count, "\n"));
}

void PrintDeleted(const std::string& name, const DeleteOptions& options, bool deleted, Output* out) {
  const OutputFormat format = ParseOutputFormat(options.output);
  if (format == OutputFormat::kJson) return out->Write(Dump({{"topic", name}, {"deleted", deleted}}) + "\n");
  if (!deleted) return;
  out->Write(format == OutputFormat::kName ? name + "\n" : absl::StrCat("deleted topic '", name, "'\n"));
}

// Does `one` for each name and prints its errors; they do not keep the others from being tried. Gives the
// first.
absl::Status ForEachName(const std::vector<std::string>& names,
                         const std::function<absl::Status(const std::string&)>& one) {
  absl::Status first;
  for (const std::string& name : names) {
    const absl::Status status = one(name);
    if (status.ok()) continue;
    PrintError(status);
    if (first.ok()) first = WithMessage(status, "");
  }
  return first;
}

absl::Status CreateTopics(CommandLine* line, const CreateOptions& options) {
  absl::StatusOr<SettingList> settings = ParseSettings(options.config);
  if (!settings.ok()) return settings.status();
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line);
  if (!client.ok()) return client.status();
  const Admin admin(**client);
  return ForEachName(options.names, [&](const std::string& name) {
    NewTopic topic;
    topic.name = name;
    topic.partitions = options.partitions;
    topic.settings = *settings;
    topic.if_not_exists = options.if_not_exists;
    topic.validate_only = options.dry_run;
    const absl::StatusOr<CreatedTopic> created = admin.CreateTopic(topic).Get();
    if (created.ok()) PrintCreated(name, options, *created, &line->out);
    if (CodeOf(created.status()) != ErrorCode::kTopicExists) return created.status();
    return WithMessage(
        created.status(),
        absl::StrCat(created.status().message(), "; --if-not-exists takes it as it is, 'leat topic alter ",
                     name, "' changes it"));
  });
}

// Asks the person at the terminal.
bool Confirmed(const std::vector<std::string>& names) {
  const std::string question =
      absl::StrCat("Delete ", JoinNames(names, names.size()), " with all records? [y/N] ");
  std::fwrite(question.data(), 1, question.size(), stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

absl::Status DeleteTopics(CommandLine* line, const DeleteOptions& options) {
  if (!options.yes && !(IsTerminal(STDIN_FILENO) && IsTerminal(STDERR_FILENO))) {
    return UsageError("deleting needs --yes where nobody can be asked");
  }
  absl::StatusOr<std::unique_ptr<Client>> client = ConnectClient(*line);
  if (!client.ok()) return client.status();
  if (!options.yes && !Confirmed(options.names)) return absl::CancelledError("nothing was deleted");
  const Admin admin(**client);
  return ForEachName(options.names, [&](const std::string& name) {
    const absl::Status status = admin.DeleteTopic(name).Get();
    const bool missing = CodeOf(status) == ErrorCode::kUnknownTopic && options.if_exists;
    if (!status.ok() && !missing) return ExplainTopicError(admin, name, status);
    PrintDeleted(name, options, status.ok(), &line->out);
    return absl::OkStatus();
  });
}

}  // namespace

void AddTopicCreate(CommandLine* line, CLI::App* topic) {
  CLI::App* const command = topic->add_subcommand("create", "Creates topics.");
  auto options = std::make_shared<CreateOptions>();
  command->add_option("NAME", options->names, "1 to 249 of A-Z a-z 0-9 . _ -")->required();
  command->add_option("-p,--partitions", options->partitions, "how many; without it the daemon's default")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("-c,--config", options->config, "NAME=VALUE of a setting; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--if-not-exists", options->if_not_exists, "no error when there is one of the name");
  command->add_flag("--dry-run", options->dry_run, "only check whether it could be done");
  AddOutputOption(command, &options->output, {"table", "json", "name"});
  command->callback(
      [line, options] { line->run = [line, options] { return CreateTopics(line, *options); }; });
}

void AddTopicDelete(CommandLine* line, CLI::App* topic) {
  CLI::App* const command = topic->add_subcommand("delete", "Deletes topics with all their records.");
  auto options = std::make_shared<DeleteOptions>();
  command->add_option("NAME", options->names, "the topics")->required();
  command->add_flag("--if-exists", options->if_exists, "no error for a topic that does not exist");
  command->add_flag("-y,--yes", options->yes, "do not ask; needed where standard input is no terminal");
  AddOutputOption(command, &options->output, {"table", "json", "name"});
  command->callback(
      [line, options] { line->run = [line, options] { return DeleteTopics(line, *options); }; });
}

}  // namespace leat
