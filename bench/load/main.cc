#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/floors.h"
#include "bench/load/loads.h"
#include "bench/load/null_broker.h"
#include "bench/load/target.h"

namespace leat {
namespace {

struct Options {
  LoadOptions load;
  FloorOptions floors;
  std::string address;
  std::string directory;
  std::vector<std::string> settings;
  bool with_floor = true;
  bool json = false;
  bool null_target = false;
  double duration_s = 5;
  double warm_up_s = 1;
  double floor_duration_s = 1;
  uint16_t null_port = 0;
  uint32_t repeat = 1;
};

int Fail(const absl::Status& status) {
  std::cerr << "leat-bench: " << status.message() << "\n";
  return 1;
}

int Print(const absl::StatusOr<Report>& report, const Options& options) {
  if (!report.ok()) return Fail(report.status());
  std::cout << report->Format(options.json ? OutputFormat::kJson : OutputFormat::kTable) << std::flush;
  return std::cout.good() ? 0 : 1;
}

using Load = absl::StatusOr<Report> (*)(const LoadOptions&, const Target&);

// Runs `load` against the null broker, against a running broker, or against one that it starts itself.
int RunLoad(Load load, Options options) {
  options.load.duration = absl::Seconds(options.duration_s);
  options.load.warm_up = absl::Seconds(options.warm_up_s);
  if (options.with_floor && !options.null_target) options.load.floor_directory = options.directory;
  for (uint32_t run = 0; run < options.repeat; ++run) {
    std::unique_ptr<NullBroker> null_broker;
    absl::StatusOr<std::unique_ptr<Target>> target = absl::UnknownError("no target");
    if (options.null_target) {
      absl::StatusOr<std::unique_ptr<NullBroker>> started =
          NullBroker::Start(0, options.load.fetch_bytes, options.load.record_bytes);
      if (!started.ok()) return Fail(started.status());
      null_broker = *std::move(started);
      options.load.verify = false;
      target = Target::Use("127.0.0.1:" + std::to_string(null_broker->port()));
    } else if (!options.address.empty()) {
      target = Target::Use(options.address);
    } else {
      target = Target::Spawn(options.directory, options.settings);
    }
    if (!target.ok()) return Fail(target.status());
    const int code = Print(load(options.load, **target), options);
    target->reset();  // before the null broker, which waits for its connections to end
    if (code != 0) return code;
  }
  return 0;
}

int ServeNull(const Options& options) {
  const absl::StatusOr<std::unique_ptr<NullBroker>> broker =
      NullBroker::Start(options.null_port, options.load.fetch_bytes, options.load.record_bytes);
  if (!broker.ok()) return Fail(broker.status());
  std::cout << "null broker on 127.0.0.1:" << (*broker)->port() << "; it ends with its standard input\n"
            << std::flush;
  while (std::getchar() != EOF) {
  }
  return 0;
}

void AddLoadOptions(CLI::App& app, Options& options) {
  static const std::map<std::string, wire::AckLevel> kAcks = {
      {"durable", wire::ACK_DURABLE}, {"written", wire::ACK_WRITTEN}, {"none", wire::ACK_NONE}};
  LoadOptions& load = options.load;
  const CLI::AsSizeValue size(false);
  app.add_option("--address", options.address,
                 "broker to load; without it a leatd is started and stopped again");
  app.add_option("--dir", options.directory,
                 "where that leatd keeps its data, and whose disk the floors measure")
      ->capture_default_str();
  app.add_option("--set", options.settings, "NAME=VALUE, a setting of that leatd");
  app.add_flag("--null", options.null_target,
               "load a null broker in this process: what the generator can do");
  app.add_option("--topic", load.topic, "topic; it is created afresh")->capture_default_str();
  app.add_option("--partitions", load.partitions)->check(CLI::Range(1, 100000))->capture_default_str();
  app.add_option("--connections", load.connections)->check(CLI::Range(1, 10000))->capture_default_str();
  app.add_option("--record-bytes", load.record_bytes)->transform(size)->capture_default_str();
  app.add_option("--batch-bytes", load.batch_bytes, "records in one batch")
      ->transform(size)
      ->capture_default_str();
  app.add_option("--acks", load.ack, "durable, written or none")->transform(CLI::CheckedTransformer(kAcks));
  app.add_option("--duration", options.duration_s, "seconds counted")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  app.add_option("--warm-up", options.warm_up_s, "seconds before that")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_flag("!--no-floor", options.with_floor, "do not measure the floor in the same run");
  app.add_option("--repeat", options.repeat, "runs, one report each")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
}

}  // namespace

int BenchMain(int argc, char** argv) {
  Options options;
  std::error_code error;
  options.directory = std::filesystem::temp_directory_path(error).string();
  CLI::App app(
      "Measures Leat, and what the machine below it can do.\n"
      "Every load quotes its floor from the same run; --null shows that the generator is not the limit.");
  app.require_subcommand(1);
  app.set_version_flag("--version", LEAT_VERSION);

  CLI::App* floors = app.add_subcommand("floors", "what loopback, page cache, disk and CPU can do at most");
  floors->add_option("--dir", options.directory, "on the disk to measure")->capture_default_str();
  floors->add_option("--duration", options.floor_duration_s, "seconds of each")
      ->check(CLI::Range(0.05, 600.0))
      ->capture_default_str();
  CLI::App* null_app =
      app.add_subcommand("null", "a broker that reads frames and answers, and keeps nothing");
  null_app->add_option("--port", options.null_port, "0: a free one")->capture_default_str();
  CLI::App* produce = app.add_subcommand("produce", "saturate with batches; throughput and reply time");
  AddLoadOptions(*produce, options);
  produce->add_option("--in-flight", options.load.in_flight, "requests under way on each connection")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI::App* consume = app.add_subcommand("consume", "fill a topic, then read it from the start");
  AddLoadOptions(*consume, options);
  consume->add_option("--total-bytes", options.load.consume_bytes)
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  consume->add_option("--fetch-bytes", options.load.fetch_bytes)
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  CLI::App* latency =
      app.add_subcommand("latency", "single records at a fixed rate; latency since the time due");
  AddLoadOptions(*latency, options);
  latency->add_option("--rate", options.load.rate, "records per second in all")
      ->check(CLI::Range(1.0, 1e7))
      ->capture_default_str();
  for (CLI::App* command : app.get_subcommands({})) {
    command
        ->add_option_function<std::string>(
            "-o,--output", [&](const std::string& format) { options.json = format == "json"; },
            "table or json")
        ->check(CLI::IsMember({"table", "json"}));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  if (floors->parsed()) {
    options.floors.directory = options.directory;
    options.floors.duration = absl::Seconds(options.floor_duration_s);
    return Print(MeasureFloors(options.floors), options);
  }
  if (null_app->parsed()) return ServeNull(options);
  if (latency->parsed() && options.load.ack == wire::ACK_NONE) {
    std::cerr << "leat-bench: latency needs an acknowledgement: --acks durable or written\n";
    return 2;
  }
  if (produce->parsed()) return RunLoad(RunProduce, options);
  if (latency->parsed()) return RunLoad(RunLatency, options);
  return RunLoad(RunConsume, options);
}

}  // namespace leat

int main(int argc, char** argv) { return leat::BenchMain(argc, argv); }
