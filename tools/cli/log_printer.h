#pragma once

#include <cstdint>
#include <string>

#include "storage/log/index_entry.h"
#include "storage/log/segment_scanner.h"
#include "storage/meta/checkpoint.h"
#include "storage/meta/format_file.h"
#include "tools/cli/json.h"
#include "tools/cli/output.h"
#include "tools/cli/shown_record.h"

namespace leat {

// Prints what `leat log dump` finds, for people or as JSON lines with a "type". One thread.
class LogPrinter {
 public:
  LogPrinter(bool json, Output* out) : json_(json), out_(out) {}

  // The file that what follows comes from.
  void File(const std::string& path, uint64_t bytes);
  void Batch(const ScannedBatch& batch);
  // `meaning` says in words what the record of an internal log is; empty for others.
  void Record(const ShownRecord& record, const std::string& meaning);
  void IndexEntry(const OffsetEntry& entry);
  void TimeIndexEntry(const TimeEntry& entry);
  void Format(const FormatInfo& format);
  void CheckpointContent(const Checkpoint& checkpoint);
  // Something that is not as it should be.
  void Problem(const std::string& text, int64_t position);

 private:
  void JsonLine(const Json& json) {
    out_->buffer()->append(Dump(json));
    out_->Write("\n");
  }
  void Line(absl::string_view text) { out_->Write(text); }

  bool json_;
  Output* out_;
  std::string file_;
};

}  // namespace leat
