#include "bench/load/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/load/validators.h"
#include "tools/cli/parse_error.h"
#include "tools/cli/quantity.h"

namespace leat {
namespace {

constexpr uint64_t kBytesMax = uint64_t{1} << 30;         // of a record, a batch, a fetch
constexpr uint64_t kAllBatchesMax = uint64_t{8} << 30;    // of all connections: they are held in memory
constexpr uint64_t kConsumeBytesMax = uint64_t{1} << 44;  // of a topic to read
constexpr std::pair<const char*, wire::AckLevel> kAcks[] = {
    {"durable", wire::ACK_DURABLE}, {"written", wire::ACK_WRITTEN}, {"none", wire::ACK_NONE}};

// The grammar. Its members are filled by parsing.
class Grammar {
 public:
  explicit Grammar(BenchOptions* options);

  CLI::App& app() { return app_; }
  // Turns what was parsed into the options. A text says what does not go together.
  std::string Finish();

 private:
  void AddFloors();
  void AddNull();
  void AddProduce();
  void AddConsume();
  void AddLatency();
  void AddStart();
  CLI::App* AddCommand(BenchCommand command, const char* name, const char* text);
  void AddLoadOptions(CLI::App* command);
  void AddDaemonOptions(CLI::App* command);
  void AddPartitions(CLI::App* command, const char* text);
  CLI::Option* AddSize(CLI::App* command, const char* name, size_t* bytes, const char* text);
  void AddRepeat(CLI::App* command);
  std::string CheckLoad() const;

  BenchOptions& options_;
  double duration_s_ = 5;
  double warm_up_s_ = 1;
  double floor_duration_s_ = 1;
  CLI::App app_;
};

Grammar::Grammar(BenchOptions* options)
    : options_(*options),
      app_(
          "Measures Leat, and what the machine below it can do.\n"
          "Every load quotes its floor from the same run; --null shows that the generator is not the limit.",
          "leat-bench") {
  std::error_code error;
  options_.directory = std::filesystem::temp_directory_path(error).string();
  app_.require_subcommand(1);
  app_.set_version_flag("--version", "leat-bench " LEAT_VERSION);
  AddFloors();
  AddNull();
  AddProduce();
  AddConsume();
  AddLatency();
  AddStart();
}

CLI::App* Grammar::AddCommand(BenchCommand command, const char* name, const char* text) {
  CLI::App* const sub = app_.add_subcommand(name, text);
  sub->final_callback([this, command] { options_.command = command; });
  return sub;
}

void Grammar::AddRepeat(CLI::App* command) {
  command->add_option("--repeat", options_.repeat, "runs; of several: median, min and max of each figure")
      ->check(WholeNumber(1, 100))
      ->capture_default_str();
  command
      ->add_option_function<std::string>(
          "-o,--output",
          [this](const std::string& format) {
            options_.format = format == "json" ? ReportFormat::kJson : ReportFormat::kTable;
          },
          "table or json")
      ->check(OneOf({"table", "json"}));
}

CLI::Option* Grammar::AddSize(CLI::App* command, const char* name, size_t* bytes, const char* text) {
  return command->add_option(name, *bytes, text)->transform(Size(kBytesMax))->capture_default_str();
}

void Grammar::AddPartitions(CLI::App* command, const char* text) {
  command->add_option("--partitions", options_.load.partitions, text)
      ->check(WholeNumber(1, 100'000))
      ->capture_default_str();
}

void Grammar::AddDaemonOptions(CLI::App* command) {
  command
      ->add_option("--dir", options_.directory,
                   "where the leatd that is started keeps its data, and whose disk the floors measure")
      ->capture_default_str();
  command->add_option("--set", options_.settings, "NAME=VALUE, a setting of that leatd");
}

void Grammar::AddLoadOptions(CLI::App* command) {
  LoadOptions& load = options_.load;
  CLI::Option* const address = command->add_option(
      "--address", options_.address, "broker to load; without it a leatd is started and stopped again");
  AddDaemonOptions(command);
  command->get_option("--set")->excludes(address);
  CLI::Option* const null_flag = command->add_flag(
      "--null", options_.null_target, "load a null broker in this process: what the generator can do");
  null_flag->excludes(address)->excludes(command->get_option("--set"));
  command->add_option("--topic", load.topic, "topic to make, and to delete at the end")
      ->capture_default_str();
  command->add_flag("--recreate", load.recreate, "delete a topic of that name first, with all its records");
  AddPartitions(command, "of that topic; the connections spread evenly over them");
  command->add_option("--connections", load.connections, "each with a thread of its own")
      ->check(WholeNumber(1, 10'000))
      ->capture_default_str();
  AddSize(command, "--record-bytes", &load.record_bytes, "value of one record");
  command
      ->add_option_function<std::string>(
          "--acks",
          [&load](const std::string& name) {
            for (const auto& [known, level] : kAcks) {
              if (name == known) load.ack = level;
            }
          },
          "durable, written or none")
      ->check(OneOf({"durable", "written", "none"}))
      ->default_str("durable");
  command->add_option("--duration", duration_s_, "seconds counted")
      ->check(Number(0.1, 86400))
      ->capture_default_str();
  command->add_option("--warm-up", warm_up_s_, "seconds before that")
      ->check(Number(0, 3600))
      ->capture_default_str();
  command->add_flag_callback(
      "--no-floor", [this] { options_.with_floor = false; }, "do not measure the floor in the same run");
  AddRepeat(command);
}

void Grammar::AddFloors() {
  CLI::App* const command =
      AddCommand(BenchCommand::kFloors, "floors", "what loopback, page cache, disk and CPU can do at most");
  command->add_option("--dir", options_.directory, "on the disk to measure")->capture_default_str();
  command->add_option("--duration", floor_duration_s_, "seconds of each")
      ->check(Number(0.05, 600))
      ->capture_default_str();
  AddRepeat(command);
}

void Grammar::AddNull() {
  CLI::App* const command =
      AddCommand(BenchCommand::kNull, "null", "a broker that reads frames and answers, and keeps nothing");
  command->add_option("--port", options_.null_port, "0: a free one")
      ->check(WholeNumber(0, 65535))
      ->capture_default_str();
}

void Grammar::AddProduce() {
  CLI::App* const command =
      AddCommand(BenchCommand::kProduce, "produce", "saturate with batches; throughput and reply time");
  AddLoadOptions(command);
  AddSize(command, "--batch-bytes", &options_.load.batch_bytes,
          "payload of one batch, which holds at least one record; 1: unbatched, one record each");
  command->add_option("--in-flight", options_.load.in_flight, "requests under way on each connection")
      ->check(WholeNumber(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--baseline-partitions", options_.baseline_partitions,
                   "before each run, run the same load over this many partitions, and give the ratio")
      ->check(WholeNumber(1, 100'000));
  command->footer(
      "Examples:\n"
      "  64 producers, each with one unbatched 1 KiB record in flight, over 1,000 partitions next to one:\n"
      "    leat-bench produce --connections 64 --in-flight 1 --batch-bytes 1 --partitions 1000 "
      "--baseline-partitions 1 --repeat 5\n"
      "  1,000 partitions saturated with batches of 1 MiB:\n"
      "    leat-bench produce --connections 4 --batch-bytes 1MiB --partitions 1000 --repeat 5");
}

void Grammar::AddConsume() {
  CLI::App* const command =
      AddCommand(BenchCommand::kConsume, "consume", "fill a topic, then read it from the start");
  AddLoadOptions(command);
  AddSize(command, "--batch-bytes", &options_.load.batch_bytes,
          "payload of one batch, which holds at least one record");
  command->add_option("--total-bytes", options_.load.consume_bytes, "of records to read")
      ->transform(Size(kConsumeBytesMax))
      ->capture_default_str();
  AddSize(command, "--fetch-bytes", &options_.load.fetch_bytes, "of one fetch");
}

void Grammar::AddLatency() {
  CLI::App* const command = AddCommand(BenchCommand::kLatency, "latency",
                                       "single records at a fixed rate; latency since the time due");
  AddLoadOptions(command);
  command->add_option("--rate", options_.load.rate, "records per second in all")
      ->check(Number(1, 1e7))
      ->capture_default_str();
}

void Grammar::AddStart() {
  CLI::App* const command =
      AddCommand(BenchCommand::kStart, "start",
                 "how fast a leatd starts on an empty directory and creates partitions, and its idle memory");
  AddDaemonOptions(command);
  AddPartitions(command, "to create");
  AddRepeat(command);
}

std::string Grammar::CheckLoad() const {
  const LoadOptions& load = options_.load;
  if (load.connections * std::max(load.batch_bytes, load.record_bytes) > kAllBatchesMax) {
    return absl::StrCat("the batches of ", load.connections, " connections are more than ",
                        FormatBytes(kAllBatchesMax), ": choose fewer --connections or smaller batches");
  }
  if (options_.command != BenchCommand::kLatency) return "";
  if (load.ack == wire::ACK_NONE) return "latency needs an acknowledgement: --acks durable or written";
  if (load.rate * duration_s_ < load.connections) {
    return absl::StrCat("--rate ", load.rate, " has no record for each of ", load.connections,
                        " connections in ", duration_s_, " s: choose a higher --rate or a longer --duration");
  }
  return "";
}

std::string Grammar::Finish() {
  options_.load.duration = absl::Seconds(duration_s_);
  options_.load.warm_up = absl::Seconds(warm_up_s_);
  if (options_.with_floor && !options_.null_target) options_.load.floor_directory = options_.directory;
  options_.floors.directory = options_.directory;
  options_.floors.duration = absl::Seconds(floor_duration_s_);
  return CheckLoad();
}

}  // namespace

std::optional<int> ParseBenchOptions(int argc, char** argv, BenchOptions* options) {
  Grammar grammar(options);
  std::string problem;
  try {
    grammar.app().parse(argc, argv);
    problem = grammar.Finish();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return grammar.app().exit(error);  // help and version
    problem = ExplainParseError(grammar.app(), error);
  }
  if (problem.empty()) return std::nullopt;
  std::cerr << "leat-bench: " << problem << "\n";
  return 2;
}

}  // namespace leat
