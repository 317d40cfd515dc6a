#include "tools/cli/completion.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tools/cli/command_line.h"

namespace leat {
namespace {

const CompletionEntry* Find(const std::vector<CompletionEntry>& entries, absl::string_view path) {
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [path](const CompletionEntry& entry) { return entry.path == path; });
  return found == entries.end() ? nullptr : &*found;
}

const CompletionEntry::Option* FindOption(const CompletionEntry& entry, absl::string_view name) {
  for (const CompletionEntry::Option& option : entry.options) {
    if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) return &option;
  }
  return nullptr;
}

TEST(Completion, KnowsTheWholeGrammar) {
  const CommandLine line;
  const std::vector<CompletionEntry> entries = CompletionEntries(line.app);
  for (const char* path : {"", "topic", "topic create", "topic list", "topic describe", "topic alter",
                           "topic delete", "produce", "consume", "replay", "log dump", "log verify",
                           "server info", "server stats", "completion", "version"}) {
    EXPECT_NE(Find(entries, path), nullptr) << path;
  }
}

TEST(Completion, KnowsWhatArgumentsAre) {
  const CommandLine line;
  const std::vector<CompletionEntry> entries = CompletionEntries(line.app);
  using Argument = CompletionEntry::Argument;
  EXPECT_EQ(Find(entries, "consume")->argument, Argument::kTopic);
  EXPECT_EQ(Find(entries, "topic delete")->argument, Argument::kTopic);
  EXPECT_EQ(Find(entries, "topic create")->argument, Argument::kNone);
  EXPECT_EQ(Find(entries, "log verify")->argument, Argument::kDirectory);
  EXPECT_EQ(Find(entries, "log dump")->argument, Argument::kFile);
  EXPECT_EQ(Find(entries, "produce")->argument, Argument::kTopic);
  EXPECT_EQ(Find(entries, "produce")->further, Argument::kFile);
  EXPECT_EQ(Find(entries, "topic delete")->further, Argument::kTopic);
  EXPECT_EQ(Find(entries, "consume")->further, Argument::kNone);
}

TEST(Completion, KnowsTheValuesOfOptions) {
  const CommandLine line;
  const std::vector<CompletionEntry> entries = CompletionEntries(line.app);
  const CompletionEntry::Option* const output = FindOption(*Find(entries, "topic list"), "-o");
  ASSERT_NE(output, nullptr);
  EXPECT_EQ(output->choices, (std::vector<std::string>{"table", "json", "name"}));
  EXPECT_TRUE(FindOption(*Find(entries, "replay"), "--into")->takes_topic);
  EXPECT_FALSE(FindOption(*Find(entries, "consume"), "--exit-at-end")->takes_value);
  EXPECT_TRUE(FindOption(*Find(entries, "consume"), "--from")->takes_value);
}

}  // namespace
}  // namespace leat
