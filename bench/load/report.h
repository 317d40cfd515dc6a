#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "bench/load/histogram.h"

namespace leat {

enum class ReportFormat { kTable, kJson };

// Figures of one run. Names carry their unit.
class Report {
 public:
  explicit Report(std::string title) : title_(std::move(title)) {}

  // `name` is the JSON key, as in "mb_per_s"; `label` what people read.
  void Add(absl::string_view name, absl::string_view label, double value, absl::string_view unit);
  void AddText(absl::string_view name, absl::string_view label, absl::string_view value);
  // count, p50, p90, p99, p99.9, p99.99 and max, in microseconds, under `prefix`. Left out are percentiles
  // that fewer than 10 samples lie beyond: they would say nothing but the maximum.
  void AddLatency(absl::string_view prefix, absl::string_view label, const LatencyHistogram& histogram);

  double Value(absl::string_view name) const;  // 0 when there is none
  bool Has(absl::string_view name) const { return Find(name) != nullptr; }

  struct Row {
    std::string name;
    std::string label;
    std::string unit;
    std::string text;  // in place of the value when not empty
    double value = 0;
  };
  const std::string& title() const { return title_; }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  const Row* Find(absl::string_view name) const;

  std::string title_;
  std::vector<Row> rows_;
};

// The same load run once or several times, as a table for people or one JSON object for programs. Of several
// runs: the median, the least and the greatest of each figure that all of them have; in JSON the medians
// stand under the names of the figures, so that a program reads one run and several alike, beside "min",
// "max" and "runs". At least one run.
std::string FormatRuns(const std::vector<Report>& runs, ReportFormat format);

}  // namespace leat
