#include <memory>

#include "tools/cli/commands.h"
#include "tools/cli/completion.h"

namespace leat {
namespace {

absl::Status PrintCompletion(CommandLine* line, const std::string& shell) {
  const std::vector<CompletionEntry> entries = CompletionEntries(line->app);
  line->out.Write(shell == "bash"  ? BashCompletion(entries)
                  : shell == "zsh" ? ZshCompletion(entries)
                                   : FishCompletion(entries));
  return absl::OkStatus();
}

}  // namespace

void AddCompletionCommand(CommandLine* line) {
  CLI::App* const command = line->app.add_subcommand(
      "completion",
      "Prints a script that completes commands, options and names of topics: source <(leat completion bash)");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([line, shell] { line->run = [line, shell] { return PrintCompletion(line, *shell); }; });
}

}  // namespace leat
