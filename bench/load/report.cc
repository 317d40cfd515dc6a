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
  const std::pair<const char*, double> percentiles[] = {
      {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"p99_99", 99.99}};
  for (const auto& [name, percentile] : percentiles) {
    Add(absl::StrCat(prefix, "_", name, "_us"), absl::StrCat(label, " ", name),
        static_cast<double>(histogram.Percentile(percentile)) / 1e3, "us");
  }
  Add(absl::StrCat(prefix, "_max_us"), absl::StrCat(label, " max"),
      static_cast<double>(histogram.max()) / 1e3, "us");
}

double Report::Value(absl::string_view name) const {
  const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.name == name; });
  return row == rows_.end() ? 0 : row->value;
}

std::string Report::Format(OutputFormat format) const {
  if (format == OutputFormat::kJson) {
    nlohmann::ordered_json object;
    object["benchmark"] = title_;
    for (const Row& row : rows_) {
      if (row.text.empty()) {
        object[row.name] = row.value;
      } else {
        object[row.name] = row.text;
      }
    }
    return absl::StrCat(object.dump(), "\n");
  }
  size_t width = 0;
  for (const Row& row : rows_) width = std::max(width, row.label.size());
  std::string out = absl::StrCat(title_, "\n");
  for (const Row& row : rows_) {
    const std::string label = absl::StrCat(row.label, std::string(width - row.label.size(), ' '));
    if (row.text.empty()) {
      absl::StrAppendFormat(&out, "  %s  %14s %s\n", label, Pretty(row.value), row.unit);
    } else {
      absl::StrAppendFormat(&out, "  %s  %s\n", label, row.text);
    }
  }
  return out;
}

}  // namespace leat
