#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/record/batch.h"

namespace leat {

// Something that `leat log verify` found.
struct LogFinding {
  enum class Severity {
    kError,    // damage, or something that the daemon did not leave like this
    kWarning,  // the next start of the daemon mends it by itself
  };
  Severity severity = Severity::kError;
  std::string kind;  // "damage", "torn_tail", "gap", "record", "index", "time_index", "checkpoint", ...
  std::string path;
  int64_t position = -1;  // byte in the file; -1: the file as a whole
  std::string text;
};

// What was looked at, and what was found.
struct LogVerdict {
  std::vector<LogFinding> findings;
  uint64_t partitions = 0;
  uint64_t segments = 0;
  uint64_t batches = 0;
  uint64_t records = 0;
  uint64_t bytes = 0;

  void Add(LogFinding::Severity severity, std::string kind, std::string path, int64_t position,
           std::string text) {
    findings.push_back({severity, std::move(kind), std::move(path), position, std::move(text)});
  }
  void Error(std::string kind, std::string path, int64_t position, std::string text) {
    Add(LogFinding::Severity::kError, std::move(kind), std::move(path), position, std::move(text));
  }
  void Warn(std::string kind, std::string path, int64_t position, std::string text) {
    Add(LogFinding::Severity::kWarning, std::move(kind), std::move(path), position, std::move(text));
  }
};

}  // namespace leat
