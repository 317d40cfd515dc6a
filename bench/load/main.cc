#include <cstdio>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/load/floors.h"
#include "bench/load/loads.h"
#include "bench/load/null_broker.h"
#include "bench/load/options.h"
#include "bench/load/target.h"
#include "bench/load/undo.h"

namespace leat {
namespace {

using Load = absl::StatusOr<Report> (*)(const LoadOptions&, const Target&);

int Fail(const absl::Status& status) {
  std::cerr << "leat-bench: " << status.message() << "\n";
  return 1;
}

// One run of `load` against the null broker, against a running broker, or against one that it starts itself.
// What it started is gone again when this returns.
absl::StatusOr<Report> RunOnce(Load load, const BenchOptions& options, LoadOptions load_options) {
  std::unique_ptr<NullBroker> null_broker;  // outlives the target: it waits for its connections to end
  absl::StatusOr<std::unique_ptr<Target>> target = absl::UnknownError("no target");
  if (options.null_target) {
    absl::StatusOr<std::unique_ptr<NullBroker>> started =
        NullBroker::Start(0, load_options.fetch_bytes, load_options.record_bytes);
    if (!started.ok()) return started.status();
    null_broker = *std::move(started);
    load_options.verify = false;
    target = Target::Use(absl::StrCat("127.0.0.1:", null_broker->port()));
  } else if (!options.address.empty()) {
    target = Target::Use(options.address);
  } else {
    target = Target::Spawn(options.directory, options.settings);
  }
  if (!target.ok()) return target.status();
  return load(load_options, **target);
}

// Produce, and before that the same load over another number of partitions when asked.
absl::StatusOr<Report> RunProduceAndBaseline(const BenchOptions& options) {
  if (options.baseline_partitions == 0) return RunOnce(RunProduce, options, options.load);
  LoadOptions baseline_options = options.load;
  baseline_options.partitions = options.baseline_partitions;
  baseline_options.floor_directory.clear();
  const absl::StatusOr<Report> baseline = RunOnce(RunProduce, options, baseline_options);
  if (!baseline.ok()) return baseline;
  absl::StatusOr<Report> report = RunOnce(RunProduce, options, options.load);
  if (!report.ok()) return report;
  const double rate = baseline->Value("records_per_s");
  report->Add("baseline_partitions", "baseline: partitions", options.baseline_partitions, "");
  report->Add("baseline_records_per_s", "baseline: records", rate, "/s");
  report->Add("ratio_to_baseline", "ratio to the baseline", report->Value("records_per_s") / rate, "");
  return report;
}

absl::StatusOr<Report> RunCommand(const BenchOptions& options) {
  switch (options.command) {
    case BenchCommand::kFloors:
      return MeasureFloors(options.floors);
    case BenchCommand::kProduce:
      return RunProduceAndBaseline(options);
    case BenchCommand::kConsume:
      return RunOnce(RunConsume, options, options.load);
    case BenchCommand::kLatency:
      return RunOnce(RunLatency, options, options.load);
    default:
      return RunOnce(RunStart, options, options.load);
  }
}

int ServeNull(const BenchOptions& options) {
  const absl::StatusOr<std::unique_ptr<NullBroker>> broker =
      NullBroker::Start(options.null_port, options.load.fetch_bytes, options.load.record_bytes);
  if (!broker.ok()) return Fail(broker.status());
  std::cout << "null broker on 127.0.0.1:" << (*broker)->port() << "; it ends with its standard input\n"
            << std::flush;
  while (std::getchar() != EOF) {
  }
  return 0;
}

int BenchMain(int argc, char** argv) {
  UndoOnSignals();
  BenchOptions options;
  if (const std::optional<int> code = ParseBenchOptions(argc, argv, &options)) return *code;
  if (options.command == BenchCommand::kNull) return ServeNull(options);
  std::vector<Report> runs;
  for (uint32_t run = 0; run < options.repeat; ++run) {
    absl::StatusOr<Report> report = RunCommand(options);
    if (!report.ok()) return Fail(report.status());
    runs.push_back(*std::move(report));
  }
  std::cout << FormatRuns(runs, options.format) << std::flush;
  return std::cout.good() ? 0 : 1;
}

}  // namespace
}  // namespace leat

int main(int argc, char** argv) { return leat::BenchMain(argc, argv); }
