#include "tools/cli/log_printer.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "tools/cli/quantity.h"
#include "tools/cli/record_json.h"

namespace leat {
namespace {

std::string CodecText(const BatchHeader& header) {
  const uint8_t id = header.codec_id();
  if (id > static_cast<uint8_t>(Codec::kZstd)) return absl::StrCat("codec ", id);
  return ToStdString(CodecName(static_cast<Codec>(id)));
}

std::string Shown(const std::optional<absl::string_view>& bytes) {
  if (!bytes.has_value()) return "null";
  return absl::StrCat("\"", absl::Utf8SafeCEscape(*bytes), "\"");
}

std::string FlagsText(const BatchHeader& header) {
  std::string flags;
  if (header.log_append_time()) flags.append(" append-time");
  if (header.transactional()) flags.append(" transactional");
  if (header.control()) flags.append(" control");
  return flags;
}

Json BatchJson(const ScannedBatch& batch) {
  const BatchHeader& header = batch.header;
  return {{"type", "batch"},
          {"position", batch.position},
          {"bytes", header.total_bytes()},
          {"base_offset", header.base_offset},
          {"last_offset", header.last_offset()},
          {"records", header.record_count},
          {"codec", CodecText(header)},
          {"base_timestamp_ms", header.base_timestamp_ms},
          {"max_timestamp_ms", header.max_timestamp_ms},
          {"leader_epoch", header.leader_epoch},
          {"producer_id", header.producer_id},
          {"producer_epoch", header.producer_epoch},
          {"base_sequence", header.base_sequence},
          {"transactional", header.transactional()},
          {"control", header.control()},
          {"crc", header.crc}};
}

}  // namespace

void LogPrinter::File(const std::string& path, uint64_t bytes) {
  file_ = path;
  if (json_) return JsonLine(Json{{"type", "file"}, {"path", path}, {"bytes", bytes}});
  Line(absl::StrCat(path, " (", FormatBytes(bytes), ")\n"));
}

void LogPrinter::Batch(const ScannedBatch& batch) {
  if (json_) return JsonLine(BatchJson(batch));
  const BatchHeader& header = batch.header;
  std::string text =
      absl::StrCat("  offsets ", header.base_offset, " to ", header.last_offset(), "  position ",
                   batch.position, "  ", header.total_bytes(), " bytes  ", header.record_count, " records  ",
                   CodecText(header), "  ", FormatTime(header.max_timestamp_ms));
  absl::StrAppend(&text, "  epoch ", header.leader_epoch);
  if (header.producer_id >= 0) {
    absl::StrAppend(&text, "  producer ", header.producer_id, "/", header.producer_epoch, " sequence ",
                    header.base_sequence);
  }
  Line(absl::StrCat(text, FlagsText(header), "\n"));
}

void LogPrinter::Record(const ShownRecord& record, const std::string& meaning) {
  if (json_) {
    Json json = {{"type", "record"}};
    json.update(RecordToJson(record));
    if (!meaning.empty()) json["meaning"] = meaning;
    return JsonLine(json);
  }
  if (!meaning.empty()) return Line(absl::StrCat("    ", record.offset, "  ", meaning, "\n"));
  std::string text = absl::StrCat("    ", record.offset, "  ", FormatTime(record.timestamp_ms), "  key ",
                                  Shown(record.key), "  value ", Shown(record.value));
  for (const HeaderView& header : record.headers) {
    absl::StrAppend(&text, "  ", Shown(header.key), "=", Shown(header.value));
  }
  Line(absl::StrCat(text, "\n"));
}

void LogPrinter::IndexEntry(const OffsetEntry& entry) {
  if (json_) {
    return JsonLine(
        Json{{"type", "index_entry"}, {"last_offset", entry.last_offset}, {"position", entry.position}});
  }
  Line(absl::StrCat("  last offset ", entry.last_offset, "  position ", entry.position, "\n"));
}

void LogPrinter::TimeIndexEntry(const TimeEntry& entry) {
  if (json_) {
    return JsonLine(Json{{"type", "time_index_entry"},
                         {"timestamp_ms", entry.timestamp_ms},
                         {"last_offset", entry.last_offset}});
  }
  Line(absl::StrCat("  ", FormatTime(entry.timestamp_ms), "  last offset ", entry.last_offset, "\n"));
}

void LogPrinter::Format(const FormatInfo& format) {
  if (json_) {
    return JsonLine(Json{{"type", "format"},
                         {"version", kFormatVersion},
                         {"data_id", format.data_id},
                         {"journal_id", format.journal_id},
                         {"created_ms", format.created_ms}});
  }
  Line(absl::StrCat("  format version ", kFormatVersion, "  data id ", format.data_id, "  journal id ",
                    format.journal_id, "  created ", FormatTime(format.created_ms), "\n"));
}

void LogPrinter::CheckpointContent(const Checkpoint& checkpoint) {
  if (json_) {
    JsonLine(Json{{"type", "checkpoint"},
                  {"data_id", checkpoint.data_id},
                  {"sequence", checkpoint.sequence},
                  {"clean", checkpoint.clean},
                  {"journal_epoch", checkpoint.journal_epoch},
                  {"journal_oldest_sequence", checkpoint.journal_oldest_sequence},
                  {"unproven", checkpoint.unproven}});
  } else {
    Line(absl::StrCat("  checkpoint ", checkpoint.sequence, checkpoint.clean ? " of a clean stop" : "",
                      "  data id ", checkpoint.data_id, "  ", checkpoint.entries.size(), " partitions\n"));
  }
  for (const CheckpointEntry& entry : checkpoint.entries) {
    if (json_) {
      JsonLine(Json{{"type", "checkpoint_entry"},
                    {"partition_id", entry.partition_id},
                    {"log_start", entry.log_start},
                    {"synced", entry.synced},
                    {"segment_base", entry.segment_base},
                    {"position", entry.position}});
      continue;
    }
    Line(absl::StrCat("  partition id ", entry.partition_id, "  log start ", entry.log_start, "  synced ",
                      entry.synced, " (position ", entry.position, " of segment ", entry.segment_base,
                      ")\n"));
  }
}

void LogPrinter::Problem(const std::string& text, int64_t position) {
  if (json_) {
    Json json = {{"type", "problem"}, {"path", file_}, {"problem", text}};
    if (position >= 0) json["position"] = position;
    return JsonLine(json);
  }
  Line(absl::StrCat("  PROBLEM", position >= 0 ? absl::StrCat(" at position ", position) : std::string(),
                    ": ", text, "\n"));
}

}  // namespace leat
