#include "bench/load/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace leat {
namespace {

std::string Pretty(double value) {
  if (value == std::floor(value) && std::abs(value) < 1000) return absl::StrFormat("%.0f", value);
  if (std::abs(value) < 10) return absl::StrFormat("%.3f", value);
  if (std::abs(value) < 1000) return absl::StrFormat("%.1f", value);
  const std::string digits = absl::StrFormat("%.0f", value);
  std::string grouped;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && digits[i] != '-' && digits[i - 1] != '-' && (digits.size() - i) % 3 == 0) grouped += ',';
    grouped += digits[i];
  }
  return grouped;
}

// One figure over all runs.
struct Spread {
  const Report::Row* row;  // of the first run
  double median;
  double min;
  double max;
};

double Median(const std::vector<double>& sorted) {
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

std::vector<Spread> SpreadsOf(const std::vector<Report>& runs) {
  std::vector<Spread> spreads;
  for (const Report::Row& row : runs.front().rows()) {
    std::vector<double> values;
    for (const Report& run : runs) {
      if (run.Has(row.name)) values.push_back(run.Value(row.name));
    }
    if (values.size() < runs.size()) continue;
    std::sort(values.begin(), values.end());
    spreads.push_back({&row, Median(values), values.front(), values.back()});
  }
  return spreads;
}

nlohmann::ordered_json FiguresOf(const Report& run) {
  nlohmann::ordered_json figures;
  for (const Report::Row& row : run.rows()) {
    if (row.text.empty()) {
      figures[row.name] = row.value;
    } else {
      figures[row.name] = row.text;
    }
  }
  return figures;
}

std::string ToJson(const std::vector<Report>& runs, const std::vector<Spread>& spreads) {
  nlohmann::ordered_json object;
  object["benchmark"] = runs.front().title();
  if (runs.size() == 1) {
    object.update(FiguresOf(runs.front()));
    return absl::StrCat(object.dump(), "\n");
  }
  object["repeat"] = runs.size();
  nlohmann::ordered_json least;
  nlohmann::ordered_json greatest;
  for (const Spread& spread : spreads) {
    if (!spread.row->text.empty()) {
      object[spread.row->name] = spread.row->text;
      continue;
    }
    object[spread.row->name] = spread.median;
    least[spread.row->name] = spread.min;
    greatest[spread.row->name] = spread.max;
  }
  object["min"] = least;
  object["max"] = greatest;
  for (const Report& run : runs) object["runs"].push_back(FiguresOf(run));
  return absl::StrCat(object.dump(), "\n");
}

std::string ToTable(const std::vector<Report>& runs, const std::vector<Spread>& spreads) {
  size_t width = 0;
  for (const Spread& spread : spreads) width = std::max(width, spread.row->label.size());
  const std::string& title = runs.front().title();
  std::string out = absl::StrCat(title, "\n");
  if (runs.size() > 1) {
    const std::string head = absl::StrCat(title, ", ", runs.size(), " runs");
    const std::string gap(width + 2 > head.size() ? width + 2 - head.size() : 0, ' ');
    out = absl::StrFormat("%s%s  %14s %14s %14s\n", head, gap, "median", "min", "max");
  }
  for (const Spread& spread : spreads) {
    const Report::Row& row = *spread.row;
    absl::StrAppend(&out, "  ", row.label, std::string(width - row.label.size(), ' '));
    if (!row.text.empty()) {
      absl::StrAppend(&out, "  ", row.text, "\n");
      continue;
    }
    absl::StrAppendFormat(&out, "  %14s", Pretty(spread.median));
    if (runs.size() > 1) absl::StrAppendFormat(&out, " %14s %14s", Pretty(spread.min), Pretty(spread.max));
    absl::StrAppend(&out, row.unit.empty() ? "" : " ", row.unit, "\n");
  }
  return out;
}

}  // namespace

void Report::Add(absl::string_view name, absl::string_view label, double value, absl::string_view unit) {
  rows_.push_back({std::string(name), std::string(label), std::string(unit), "", value});
}

void Report::AddText(absl::string_view name, absl::string_view label, absl::string_view value) {
  rows_.push_back({std::string(name), std::string(label), "", std::string(value), 0});
}

void Report::AddLatency(absl::string_view prefix, absl::string_view label,
                        const LatencyHistogram& histogram) {
  Add(absl::StrCat(prefix, "_samples"), absl::StrCat(label, " samples"),
      static_cast<double>(histogram.count()), "");
  constexpr struct {
    const char* name;
    double percentile;
    uint64_t least_samples;
  } kPercentiles[] = {{"p50", 50, 1},
                      {"p90", 90, 100},
                      {"p99", 99, 1000},
                      {"p99_9", 99.9, 10'000},
                      {"p99_99", 99.99, 100'000}};
  for (const auto& [name, percentile, least_samples] : kPercentiles) {
    if (histogram.count() < least_samples) continue;
    Add(absl::StrCat(prefix, "_", name, "_us"), absl::StrCat(label, " ", name),
        static_cast<double>(histogram.Percentile(percentile)) / 1e3, "us");
  }
  Add(absl::StrCat(prefix, "_max_us"), absl::StrCat(label, " max"),
      static_cast<double>(histogram.max()) / 1e3, "us");
}

const Report::Row* Report::Find(absl::string_view name) const {
  const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.name == name; });
  return row == rows_.end() ? nullptr : &*row;
}

double Report::Value(absl::string_view name) const {
  const Row* const row = Find(name);
  return row == nullptr ? 0 : row->value;
}

std::string FormatRuns(const std::vector<Report>& runs, ReportFormat format) {
  const std::vector<Spread> spreads = SpreadsOf(runs);
  return format == ReportFormat::kJson ? ToJson(runs, spreads) : ToTable(runs, spreads);
}

}  // namespace leat
