#pragma once

#include "tools/cli/command_line.h"

// One function per command: adds it, its options and its help to the command line.

namespace leat {

void AddTopicCommands(CommandLine* line);  // topic create|list|describe|alter|delete
void AddProduceCommand(CommandLine* line);
void AddConsumeCommand(CommandLine* line);
void AddReplayCommand(CommandLine* line);
void AddLogCommands(CommandLine* line);     // log dump|verify
void AddServerCommands(CommandLine* line);  // server info|stats
void AddCompletionCommand(CommandLine* line);
void AddVersionCommand(CommandLine* line);

}  // namespace leat
