#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/floors.h"
#include "bench/load/loads.h"

namespace leat {

enum class BenchCommand { kFloors, kNull, kProduce, kConsume, kLatency, kStart };

// What leat-bench is asked to do.
struct BenchOptions {
  BenchCommand command = BenchCommand::kFloors;
  LoadOptions load;
  FloorOptions floors;
  std::string address;                // a broker that runs; empty: one of our own
  std::string directory;              // for its data, and for the floors of the disk
  std::vector<std::string> settings;  // NAME=VALUE for it
  bool with_floor = true;
  bool null_target = false;
  uint32_t baseline_partitions = 0;  // run the load over that many partitions, too, to compare; 0: no
  uint16_t null_port = 0;
  uint32_t repeat = 1;
  ReportFormat format = ReportFormat::kTable;
};

// Fills `options` from the command line. Gives the exit code when there is nothing left to do: 0 after help
// or the version, 2 after wrong usage, which has been explained on standard error. Every number is inside its
// bounds afterwards.
std::optional<int> ParseBenchOptions(int argc, char** argv, BenchOptions* options);

}  // namespace leat
