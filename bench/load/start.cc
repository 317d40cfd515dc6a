#include <chrono>
#include <thread>

#include "bench/load/loads.h"
#include "bench/load/process_usage.h"
#include "bench/load/stopwatch.h"

namespace leat {
namespace {

constexpr double kMebi = 1024 * 1024;
constexpr std::chrono::milliseconds kSettle{500};  // what starting needed is done by then

}  // namespace

absl::StatusOr<Report> RunStart(const LoadOptions& options, const Target& target) {
  std::this_thread::sleep_for(kSettle);
  const absl::StatusOr<ProcessUsage> idle = UsageOf(target.process());
  if (!idle.ok()) return idle.status();
  const Stopwatch watch;
  const absl::StatusOr<std::unique_ptr<ScratchTopic>> topic = ScratchTopic::Create(target, SpecOf(options));
  if (!topic.ok()) return topic.status();
  const double create_s = watch.Seconds();
  std::this_thread::sleep_for(kSettle);
  const absl::StatusOr<ProcessUsage> with_topic = UsageOf(target.process());
  if (!with_topic.ok()) return with_topic.status();
  Report report("start");
  report.Add("start_ms", "started on an empty directory in", target.start_ms(), "ms");
  report.Add("idle_mib", "idle memory", static_cast<double>(idle->resident_bytes) / kMebi, "MiB");
  report.Add("partitions", "partitions", options.partitions, "");
  report.Add("create_s", "created in", create_s, "s");
  report.Add("idle_with_partitions_mib", "idle memory with them",
             static_cast<double>(with_topic->resident_bytes) / kMebi, "MiB");
  return report;
}

}  // namespace leat
