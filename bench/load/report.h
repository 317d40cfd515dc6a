#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "bench/load/histogram.h"

namespace leat {

enum class OutputFormat { kTable, kJson };

// Figures of one run, printed as a table for people or as one JSON object. Names carry their unit.
class Report {
 public:
  explicit Report(std::string title) : title_(std::move(title)) {}

  // `name` is the JSON key, as in "mb_per_s"; `label` what people read.
  void Add(absl::string_view name, absl::string_view label, double value, absl::string_view unit);
  void AddText(absl::string_view name, absl::string_view label, absl::string_view value);
  // count, p50, p90, p99, p99.9, p99.99 and max, in microseconds, under `prefix`.
  void AddLatency(absl::string_view prefix, absl::string_view label, const LatencyHistogram& histogram);

  double Value(absl::string_view name) const;  // 0 when there is none
  std::string Format(OutputFormat format) const;

 private:
  struct Row {
    std::string name;
    std::string label;
    std::string unit;
    std::string text;  // in place of the value when not empty
    double value = 0;
  };
  std::string title_;
  std::vector<Row> rows_;
};

}  // namespace leat
