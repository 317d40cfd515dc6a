#include "broker/config.h"

#include <set>
#include <string>

#include "broker/config_file.h"
#include "broker/config_load.h"
#include "broker/json_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "protocol/record/error.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/status_matchers.h"

namespace leat {
namespace {

using ::testing::HasSubstr;

void WriteFile(FileSystem& fs, const std::string& path, absl::string_view text) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kCreateNew));
  ASSERT_THAT(file->WriteAt(0, {text}), IsOk());
}

absl::StatusOr<LoadedConfig> Load(const std::string& toml, ConfigSources sources = {}) {
  MemoryFileSystem fs;
  if (!toml.empty()) {
    WriteFile(fs, "leat.toml", toml);
    sources.file = "leat.toml";
  }
  sources.environment.emplace_back("HOME", "/home/ada");
  return LoadConfig(sources, fs);
}

std::string ErrorOf(const std::string& toml, ConfigSources sources = {}) {
  const absl::StatusOr<LoadedConfig> loaded = Load(toml, std::move(sources));
  EXPECT_THAT(loaded, StatusIs(ErrorCode::kInvalidConfig)) << toml;
  return std::string(loaded.status().message());
}

TEST(ConfigTableTest, EveryRowHasADocAndTakesItsOwnDefaultBack) {
  std::set<std::string> names;
  for (const SettingInfo& info : ConfigSettings()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.doc.empty()) << info.name;
    EXPECT_TRUE(info.type == "text" || !info.range.empty()) << info.name;
    Config config;
    const std::string value = GetConfig(config, info.name);
    EXPECT_THAT(SetConfig(config, info.name, value), IsOk()) << info.name;
    EXPECT_EQ(GetConfig(config, info.name), value) << info.name;
  }
  EXPECT_THAT(CheckConfig(Config()), IsOk());
  EXPECT_EQ(names.count("topic.segment_bytes"), 1u);
}

TEST(ConfigTableTest, ValuesOutsideTheRangeAreNamed) {
  Config config;
  for (const auto& [name, value] : {std::pair("connections_max", "0"),
                                    {"connections_max", "many"},
                                    {"frame_bytes_max", "1KiB"},
                                    {"idle_ms_max", "-1s"},
                                    {"insecure", "perhaps"},
                                    {"log_level", "loud"},
                                    {"log_format", ""},
                                    {"topic.durability", "never"}}) {
    const absl::Status status = SetConfig(config, name, value);
    EXPECT_THAT(status, StatusIs(ErrorCode::kInvalidConfig)) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr("allowed is")) << name;
  }
  EXPECT_EQ(config.connections_max, 10'000);
}

TEST(ConfigTableTest, UnknownNamesGetTheNearestOne) {
  Config config;
  EXPECT_THAT(std::string(SetConfig(config, "conections_max", "1").message()),
              HasSubstr("\"connections_max\""));
  EXPECT_THAT(std::string(SetConfig(config, "topic.segment_byte", "1").message()),
              HasSubstr("\"topic.segment_bytes\""));
  EXPECT_THAT(std::string(SetConfig(config, "qqqqqqqqqq", "1").message()), HasSubstr("--print-config"));
}

TEST(ConfigLoadTest, FlagBeforeEnvironmentBeforeFileBeforeDefault) {
  ConfigSources sources;
  sources.environment = {{"LEAT_LOG_LEVEL", "warn"}, {"LEAT_LOG_FORMAT", "json"}, {"LEAT_ADDRESS", "x"}};
  sources.flags = {{"log_level", "error"}};
  ASSERT_OK_AND_ASSIGN(const LoadedConfig loaded,
                       Load("log_level = \"debug\"\nlog_format = \"text\"\n"
                            "connections_max = 7\n[topic]\nsegment_bytes = \"1MiB\"\n"
                            "batch_bytes_max = 1024\n",
                            sources));
  EXPECT_EQ(loaded.config.log_level, "error");
  EXPECT_EQ(loaded.origins.at("log_level"), "flag");
  EXPECT_EQ(loaded.config.log_format, "json");
  EXPECT_EQ(loaded.origins.at("log_format"), "environment LEAT_LOG_FORMAT");
  EXPECT_EQ(loaded.config.connections_max, 7);
  EXPECT_EQ(loaded.origins.at("connections_max"), "leat.toml:3");
  EXPECT_EQ(loaded.config.topic_defaults.segment_bytes, 1 << 20);
  EXPECT_EQ(loaded.origins.at("topic.segment_bytes"), "leat.toml:5");
  EXPECT_EQ(loaded.origins.count("listen"), 0u);
}

TEST(ConfigLoadTest, ErrorsNameTheirPlace) {
  EXPECT_THAT(ErrorOf("a = 1\nconnections_max = 5\n"), HasSubstr("leat.toml:1: "));
  EXPECT_THAT(ErrorOf("\nconections_max = 5\n"),
              HasSubstr("leat.toml:2: unknown setting \"conections_max\"; did you "
                        "mean \"connections_max\"?"));
  EXPECT_THAT(ErrorOf("listen = \n"), HasSubstr("leat.toml:1: "));
  EXPECT_THAT(ErrorOf("connections_max = 1.5\n"), HasSubstr("whole number"));
  EXPECT_THAT(ErrorOf("connections_max = [1]\n"), HasSubstr("leat.toml:1: "));
  ConfigSources environment;
  environment.environment = {{"LEAT_CONNECTIONS_MAX", "-1"}};
  EXPECT_THAT(ErrorOf("", environment), HasSubstr("environment LEAT_CONNECTIONS_MAX: "));
  ConfigSources flags;
  flags.flags = {{"connections_max", ""}};
  EXPECT_THAT(ErrorOf("", flags), HasSubstr("flag: "));
}

TEST(ConfigLoadTest, MissingFileIsAnError) {
  MemoryFileSystem fs;
  ConfigSources sources;
  sources.file = "nowhere.toml";
  const absl::StatusOr<LoadedConfig> loaded = LoadConfig(sources, fs);
  EXPECT_FALSE(loaded.ok());
  EXPECT_THAT(std::string(loaded.status().message()), HasSubstr("nowhere.toml"));
}

TEST(ConfigLoadTest, MistypedVariablesAreErrors) {
  ConfigSources sources;
  sources.environment = {{"LEAT_CONECTIONS_MAX", "5"}};
  EXPECT_THAT(ErrorOf("", sources), HasSubstr("did you mean LEAT_CONNECTIONS_MAX?"));
  sources.environment = {{"LEAT_QQQQQQQQQQQQQQQQ", "5"}};
  EXPECT_THAT(ErrorOf("", sources), HasSubstr("LEAT_QQQQQQQQQQQQQQQQ"));
  sources.environment = {{"OTHER", "x"}, {"LEAT_ADDRESS", "localhost:1"}, {"LEAT_KILL_SEED", "1"}};
  EXPECT_THAT(Load("", sources), IsOk());
}

TEST(ConfigLoadTest, WrongTypesAreErrorsThatNameTheRightOne) {
  for (const auto& [toml, wanted] : {std::pair("connections_max = \"7\"", "a whole number"),
                                     {"connections_max = true", "a whole number"},
                                     {"connections_max = 1.5", "a whole number"},
                                     {"connections_max = [1]", "a whole number"},
                                     {"insecure = \"true\"", "true or false"},
                                     {"insecure = 1", "true or false"},
                                     {"data_dir = 5", "text"},
                                     {"port_file = true", "text"},
                                     {"log_level = 3", "text"},
                                     {"listen = [\"a:1\"]", "text"},
                                     {"listen = {}", "text"},
                                     {"[listen]\nhost = 1", "text"},
                                     {"listen = 1979-05-27", "text"},
                                     {"frame_bytes_max = true", "a whole number, or text"},
                                     {"topic = 5", "a table of settings"},
                                     {"topic.durability = 5", "text"},
                                     {"[topic.segment_bytes]", "a whole number, or text"}}) {
    const std::string error = ErrorOf(toml);
    EXPECT_THAT(error, HasSubstr("leat.toml:1: setting ")) << toml;
    EXPECT_THAT(error, HasSubstr(wanted)) << toml;
  }
  EXPECT_THAT(ErrorOf("[conections]\n"), HasSubstr("leat.toml:1: unknown setting \"conections\""));
  EXPECT_THAT(Load("[topic]\n"), IsOk());
}

TEST(ConfigLoadTest, ASettingTwiceInTheFileIsAnError) {
  EXPECT_THAT(ErrorOf("\"topic.segment_bytes\" = \"1GiB\"\n[topic]\nsegment_bytes = \"64MiB\"\n"),
              HasSubstr("leat.toml:3: setting topic.segment_bytes is set twice; see leat.toml:1"));
}

TEST(ConfigLoadTest, AnEmptyDataDirectoryIsAnError) {
  ConfigSources sources;
  sources.flags = {{"data_dir", ""}};
  EXPECT_THAT(ErrorOf("", sources), HasSubstr("data_dir is empty"));
  EXPECT_EQ(DefaultDataDir({{"HOME", "relative"}}), "");
}

TEST(ConfigLoadTest, DataDirectory) {
  EXPECT_EQ(DefaultDataDir({{"HOME", "/home/ada"}}), "/home/ada/.local/state/leat");
  EXPECT_EQ(DefaultDataDir({{"HOME", "/home/ada"}, {"XDG_STATE_HOME", "/state"}}), "/state/leat");
  EXPECT_EQ(DefaultDataDir({{"HOME", "/home/ada"}, {"XDG_STATE_HOME", "relative"}}),
            "/home/ada/.local/state/leat");
  MemoryFileSystem fs;
  EXPECT_THAT(LoadConfig({}, fs), StatusIs(ErrorCode::kInvalidConfig));
}

TEST(ConfigLoadTest, SettingsThatContradictEachOther) {
  EXPECT_THAT(ErrorOf("frame_bytes_max = \"4MiB\"\n"), HasSubstr("raise frame_bytes_max"));
  EXPECT_THAT(ErrorOf("fetch_bytes_max = \"64MiB\"\n"), HasSubstr("raise frame_bytes_max"));
  EXPECT_THAT(ErrorOf("default_partitions = 20000\n"), HasSubstr("partitions_per_topic_max"));
  EXPECT_THAT(ErrorOf("produce_timeout_ms = \"1h\"\n"), HasSubstr("produce_timeout_ms_max"));
  EXPECT_THAT(ErrorOf("topic.segment_bytes = \"1MiB\"\n"), HasSubstr("segment"));
}

TEST(ConfigPrintTest, TellsValueAndSourceOfEverySetting) {
  ConfigSources sources;
  sources.flags = {{"listen", "[::1]:1"}};
  ASSERT_OK_AND_ASSIGN(const LoadedConfig loaded, Load("", sources));
  const std::string text = PrintConfig(loaded, false);
  const std::string json = PrintConfig(loaded, true);
  for (const SettingInfo& info : ConfigSettings()) {
    EXPECT_THAT(text, HasSubstr(info.name));
    EXPECT_THAT(json, HasSubstr("\"" + info.name + "\""));
  }
  EXPECT_THAT(json, HasSubstr(R"("name": "listen", "value": "[::1]:1", "source": "flag")"));
}

TEST(JsonTextTest, EscapesAndRepairs) {
  EXPECT_EQ(JsonString("a\"b\\c\n\x01"), R"("a\"b\\c\u000a\u0001")");
  EXPECT_EQ(JsonString("\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "\"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80\"");
  EXPECT_EQ(JsonString("\xFF\xC3(\xED\xA0\x80"), R"("\ufffd\ufffd(\ufffd\ufffd\ufffd")");
  EXPECT_EQ(JsonString("\xE2\x82"), R"("\ufffd\ufffd")");
}

}  // namespace
}  // namespace leat
