#include "broker/config.h"

#include <limits>
#include <optional>
#include <variant>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "protocol/record/error.h"
#include "protocol/wire/frame.h"
#include "storage/meta/setting_text.h"

namespace leat {
namespace {

constexpr absl::string_view kTopicPrefix = "topic.";
constexpr int64_t kDay = 24 * 3600 * 1000;
constexpr int64_t kMiB = 1024 * 1024;
constexpr int64_t kTiB = kMiB * kMiB;
// Room that a frame needs besides its batches.
constexpr int64_t kFrameOverhead = static_cast<int64_t>(kHeaderBytesMax + kFramePrefixBytes);

enum class Kind { kText, kEnum, kBool, kInt, kBytes, kMilliseconds };

using Field = std::variant<std::string Config::*, bool Config::*, int64_t Config::*>;

struct Row {
  absl::string_view name;
  Kind kind;
  Field field;
  int64_t least;
  int64_t most;
  absl::string_view choices;  // of an enum
  absl::string_view doc;
};

constexpr Row Text(absl::string_view name, std::string Config::*field, absl::string_view doc) {
  return {name, Kind::kText, field, 0, 0, {}, doc};
}
constexpr Row Enum(absl::string_view name, std::string Config::*field, absl::string_view choices,
                   absl::string_view doc) {
  return {name, Kind::kEnum, field, 0, 0, choices, doc};
}
constexpr Row Bool(absl::string_view name, bool Config::*field, absl::string_view doc) {
  return {name, Kind::kBool, field, 0, 0, {}, doc};
}

constexpr Row kRows[] = {
    Text("data_dir", &Config::data_dir,
         "Directory that holds everything; created when missing. Default: $XDG_STATE_HOME/leat, else "
         "~/.local/state/leat."),
    Text("listen", &Config::listen,
         "HOST:PORT to listen on, [V6]:PORT for IPv6; a name listens on all its addresses; port 0 takes a "
         "free "
         "one."),
    Text("port_file", &Config::port_file, "File that gets \"HOST:PORT\" once the broker listens."),
    Bool("insecure", &Config::insecure, "Listen beyond loopback although nobody has to authenticate."),
    {"network_threads", Kind::kInt, &Config::network_threads, 1, 64, {}, "Threads that serve connections."},
    Enum("log_level", &Config::log_level, "trace|debug|info|warn|error|off", "Least severe lines to log."),
    Enum("log_format", &Config::log_format, "text|json", "Form of the log lines on stderr."),

    {"connections_max",
     Kind::kInt,
     &Config::connections_max,
     1,
     1'000'000,
     {},
     "Connections at the same time; further ones get an error and are closed."},
    {"hello_timeout_ms",
     Kind::kMilliseconds,
     &Config::hello_timeout_ms,
     10,
     kDay,
     {},
     "A new connection is closed unless its Hello has arrived by then."},
    {"idle_ms_max",
     Kind::kMilliseconds,
     &Config::idle_ms_max,
     0,
     365 * kDay,
     {},
     "A connection without requests is closed after this long; waiting in a fetch is not idle. 0: never."},
    {"frame_timeout_ms",
     Kind::kMilliseconds,
     &Config::frame_timeout_ms,
     10,
     kDay,
     {},
     "A frame whose first byte has arrived must be complete by then."},
    {"send_stall_ms",
     Kind::kMilliseconds,
     &Config::send_stall_ms,
     10,
     kDay,
     {},
     "A connection whose peer takes nothing of its replies for this long is closed."},
    {"hello_bytes_max",
     Kind::kBytes,
     &Config::hello_bytes_max,
     64,
     kMiB,
     {},
     "Size of the first frame of a connection."},
    {"frame_bytes_max",
     Kind::kBytes,
     &Config::frame_bytes_max,
     64 * 1024,
     1024 * kMiB,
     {},
     "Size of a frame."},
    {"connection_bytes_in_flight_max",
     Kind::kBytes,
     &Config::connection_bytes_in_flight_max,
     1024,
     kTiB,
     {},
     "Bytes of requests of one connection that are not answered yet; over it the broker stops reading from "
     "the connection."},
    {"send_queue_bytes_max",
     Kind::kBytes,
     &Config::send_queue_bytes_max,
     1024,
     kTiB,
     {},
     "Bytes of replies that may wait for one connection; over it no further request of it is served."},
    {"memory_bytes_max",
     Kind::kBytes,
     &Config::memory_bytes_max,
     kMiB,
     kTiB,
     {},
     "Bytes in flight of all connections: frames not complete, requests not answered, replies in memory. "
     "Over "
     "it the broker stops reading from connections that hold more than 64 KiB of them."},

    {"partitions_per_request_max",
     Kind::kInt,
     &Config::partitions_per_request_max,
     1,
     100'000,
     {},
     "Entries in one produce, fetch, offset or metadata request."},
    {"fetch_bytes_max",
     Kind::kBytes,
     &Config::fetch_bytes_max,
     1024,
     1024 * kMiB,
     {},
     "Bytes of batches in one fetch reply; one batch comes all the same."},
    {"fetch_wait_ms_max",
     Kind::kMilliseconds,
     &Config::fetch_wait_ms_max,
     0,
     kDay,
     {},
     "Longest wait of one fetch; longer ones are cut to it."},
    {"produce_timeout_ms",
     Kind::kMilliseconds,
     &Config::produce_timeout_ms,
     1,
     kDay,
     {},
     "How long a produce waits for its level when the request does not say."},
    {"produce_timeout_ms_max",
     Kind::kMilliseconds,
     &Config::produce_timeout_ms_max,
     1,
     kDay,
     {},
     "Longest wait of one produce; longer ones are cut to it."},

    Bool("auto_create_topics", &Config::auto_create_topics, "Create a topic when it is first produced to."),
    {"default_partitions",
     Kind::kInt,
     &Config::default_partitions,
     1,
     100'000,
     {},
     "Partitions of a new topic when the request does not say."},
    {"topics_max", Kind::kInt, &Config::topics_max, 1, 10'000'000, {}, "Topics at the same time."},
    {"partitions_max", Kind::kInt, &Config::partitions_max, 1, 10'000'000, {}, "Partitions of all topics."},
    {"partitions_per_topic_max",
     Kind::kInt,
     &Config::partitions_per_topic_max,
     1,
     1'000'000,
     {},
     "Partitions of one topic."},

    {"open_files_max",
     Kind::kInt,
     &Config::open_files_max,
     16,
     10'000'000,
     {},
     "Segment files kept open; those with unsynced bytes stay open beyond it."},
    {"checkpoint_interval_ms",
     Kind::kMilliseconds,
     &Config::checkpoint_interval_ms,
     10,
     kDay,
     {},
     "Longest time from a commit to the checkpoint that spares recovery from scanning it."},
    Enum("commit_mode", &Config::commit_mode, "auto|direct|journal",
         "How groups are made durable: by syncing their segments (direct), by one write to the journal, or "
         "whichever is cheaper."),
    Text("journal_dir", &Config::journal_dir,
         "Directory of the commit journal, perhaps on another disk; empty: \"journal\" in the data "
         "directory."),
    {"journal_bytes_max",
     Kind::kBytes,
     &Config::journal_bytes_max,
     4 * kMiB,
     kTiB,
     {},
     "Size of the commit journal; groups for which it has no room are made durable in their segments."},
    Enum("on_storage_failure", &Config::on_storage_failure, "stop|refuse",
         "After a failed sync: stop the process, or go on serving reads and refuse writes."),
    {"shutdown_timeout_ms",
     Kind::kMilliseconds,
     &Config::shutdown_timeout_ms,
     0,
     kDay,
     {},
     "How long a stop waits for requests in flight."},
};

const Row* FindRow(absl::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string FormatNumber(Kind kind, int64_t number) {
  if (kind == Kind::kBytes) return FormatByteSize(number);
  if (kind == Kind::kMilliseconds) return FormatMilliseconds(number);
  return absl::StrCat(number);
}

std::string RangeOf(const Row& row) {
  switch (row.kind) {
    case Kind::kText:
      return "";
    case Kind::kEnum:
      return std::string(row.choices);
    case Kind::kBool:
      return "true|false";
    default:
      return absl::StrCat(FormatNumber(row.kind, row.least), "..", FormatNumber(row.kind, row.most));
  }
}

absl::string_view TypeOf(const Row& row) {
  switch (row.kind) {
    case Kind::kText:
      return "text";
    case Kind::kEnum:
      return "enum";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kBytes:
      return "bytes";
    case Kind::kMilliseconds:
      return "ms";
  }
  return {};
}

std::optional<int64_t> ParseNumber(const Row& row, absl::string_view text) {
  std::optional<int64_t> number;
  if (row.kind == Kind::kBytes) {
    number = ParseByteSize(text);
  } else if (row.kind == Kind::kMilliseconds) {
    number = ParseMilliseconds(text);
  } else if (int64_t plain = 0; absl::SimpleAtoi(text, &plain)) {
    number = plain;
  }
  if (number.has_value() && (*number < row.least || *number > row.most)) number.reset();
  return number;
}

bool IsChoice(const Row& row, absl::string_view value) {
  if (value.empty()) return false;
  for (absl::string_view choice : absl::StrSplit(row.choices, '|')) {
    if (choice == value) return true;
  }
  return false;
}

bool SetRow(const Row& row, Config& config, absl::string_view value) {
  const absl::string_view text = absl::StripAsciiWhitespace(value);
  switch (row.kind) {
    case Kind::kText:
      config.*std::get<std::string Config::*>(row.field) = std::string(value);
      return true;
    case Kind::kEnum:
      if (!IsChoice(row, text)) return false;
      config.*std::get<std::string Config::*>(row.field) = std::string(text);
      return true;
    case Kind::kBool: {
      bool on = false;
      if (!absl::SimpleAtob(text, &on)) return false;
      config.*std::get<bool Config::*>(row.field) = on;
      return true;
    }
    default: {
      const std::optional<int64_t> number = ParseNumber(row, text);
      if (!number.has_value()) return false;
      config.*std::get<int64_t Config::*>(row.field) = *number;
      return true;
    }
  }
}

std::string GetRow(const Row& row, const Config& config) {
  switch (row.kind) {
    case Kind::kText:
    case Kind::kEnum:
      return config.*std::get<std::string Config::*>(row.field);
    case Kind::kBool:
      return config.*std::get<bool Config::*>(row.field) ? "true" : "false";
    default:
      return FormatNumber(row.kind, config.*std::get<int64_t Config::*>(row.field));
  }
}

std::vector<SettingInfo>* BuildInfos() {
  auto* infos = new std::vector<SettingInfo>;  // never destroyed
  for (const Row& row : kRows) {
    infos->push_back(
        {std::string(row.name), std::string(TypeOf(row)), RangeOf(row), std::string(row.doc), false});
  }
  for (const TopicSettingInfo& topic : TopicSettings()) {
    infos->push_back({absl::StrCat(kTopicPrefix, topic.name), std::string(topic.type),
                      std::string(topic.range), absl::StrCat("Default of topics. ", topic.doc), false});
  }
  return infos;
}

absl::Status UnknownSetting(absl::string_view name) {
  std::vector<absl::string_view> known;
  for (const SettingInfo& info : ConfigSettings()) known.push_back(info.name);
  const absl::string_view nearest = NearestName(name, known);
  return MakeError(ErrorCode::kInvalidConfig,
                   absl::StrCat("unknown setting \"", name.substr(0, 100), "\"; ",
                                nearest.empty() ? "leatd --print-config lists all settings"
                                                : absl::StrCat("did you mean \"", nearest, "\"?")));
}

}  // namespace

absl::Span<const SettingInfo> ConfigSettings() {
  static const std::vector<SettingInfo>* const infos = BuildInfos();
  return *infos;
}

absl::Status SetConfig(Config& config, absl::string_view name, absl::string_view value) {
  absl::string_view topic_name = name;
  if (absl::ConsumePrefix(&topic_name, kTopicPrefix) &&
      !GetTopicSetting(config.topic_defaults, topic_name).empty()) {
    return SetTopicSetting(config.topic_defaults, topic_name, value);
  }
  const Row* row = FindRow(name);
  if (row == nullptr) return UnknownSetting(name);
  if (SetRow(*row, config, value)) return absl::OkStatus();
  return MakeError(ErrorCode::kInvalidConfig, absl::StrCat("setting ", name, ": \"", value.substr(0, 100),
                                                           "\" is not allowed; allowed is ", RangeOf(*row)));
}

std::string GetConfig(const Config& config, absl::string_view name) {
  absl::string_view topic_name = name;
  if (absl::ConsumePrefix(&topic_name, kTopicPrefix))
    return GetTopicSetting(config.topic_defaults, topic_name);
  const Row* row = FindRow(name);
  return row == nullptr ? "" : GetRow(*row, config);
}

absl::Status CheckConfig(const Config& config) {
  const auto error = [](absl::string_view message) { return MakeError(ErrorCode::kInvalidConfig, message); };
  const int64_t payload_max = config.frame_bytes_max - kFrameOverhead;
  if (config.topic_defaults.batch_bytes_max > payload_max) {
    return error(absl::StrCat("topic.batch_bytes_max (",
                              FormatByteSize(config.topic_defaults.batch_bytes_max),
                              ") does not fit into a frame: raise frame_bytes_max to at least ",
                              FormatByteSize(config.topic_defaults.batch_bytes_max + kFrameOverhead)));
  }
  if (config.fetch_bytes_max > payload_max) {
    return error(absl::StrCat("fetch_bytes_max (", FormatByteSize(config.fetch_bytes_max),
                              ") does not fit into a frame: raise frame_bytes_max to at least ",
                              FormatByteSize(config.fetch_bytes_max + kFrameOverhead)));
  }
  if (config.topic_defaults.batch_bytes_max > config.topic_defaults.segment_bytes) {
    return error(
        "topic.batch_bytes_max is larger than topic.segment_bytes: a batch has to fit into a segment");
  }
  if (config.default_partitions > config.partitions_per_topic_max) {
    return error("default_partitions is larger than partitions_per_topic_max");
  }
  if (config.produce_timeout_ms > config.produce_timeout_ms_max) {
    return error("produce_timeout_ms is larger than produce_timeout_ms_max");
  }
  return absl::OkStatus();
}

std::string EnvironmentName(absl::string_view setting) {
  std::string name = absl::StrCat("LEAT_", absl::AsciiStrToUpper(setting));
  for (char& c : name) {
    if (c == '.') c = '_';
  }
  return name;
}

}  // namespace leat
