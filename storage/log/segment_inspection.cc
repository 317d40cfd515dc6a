#include "storage/log/segment_inspection.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "storage/log/index_check.h"
#include "storage/log/segment_scanner.h"

namespace leat {
namespace {

IndexCheckInput IndexInputOf(const InspectionInput& input) {
  IndexCheckInput index{.dir = input.dir,
                        .base = input.base,
                        .bytes = input.bytes,
                        .trusted_next = input.base,
                        .interval_bytes = input.index_interval_bytes};
  if (!input.checkpoint || input.base > input.checkpoint->segment_base) return index;
  index.trusted = input.bytes;
  index.trusted_next = std::numeric_limits<Offset>::max();
  index.complete = input.clean;
  if (input.base < input.checkpoint->segment_base) {
    index.complete = true;
    index.trusted_end = input.next_base;
  } else if (input.checkpoint->position <= input.bytes) {
    index.trusted = input.checkpoint->position;
    index.trusted_next = index.trusted_end = input.checkpoint->synced;
  }
  return index;
}

bool IsCheckpointSegment(const InspectionInput& input) {
  return input.checkpoint && input.base == input.checkpoint->segment_base &&
         input.bytes >= input.checkpoint->position;
}

// What lies behind damage. That nobody can tell is taken for "something does".
void LookBehindDamage(SegmentScanner& scanner, SegmentObservation& seen) {
  absl::StatusOr<std::optional<ScannedBatch>> after = scanner.FindBatchAfterDamage();
  if (after.ok() && !after->has_value()) return;
  seen.batch_after_damage = true;
  if (after.ok()) seen.seen_next = std::max(seen.seen_next, (*after)->header.next_offset());
}

// Reads everything from `from` on, checksums included; adds batches to `builder` when there is one.
void ScanRest(const File& log, const InspectionInput& input, uint64_t from, Offset expected,
              IndexBuilder* builder, InspectedSegment& result) {
  SegmentScanner scanner(log, {.from = from, .to = input.bytes, .expected = expected});
  absl::StatusOr<std::optional<ScannedBatch>> batch;
  for (batch = scanner.Next(); batch.ok() && batch->has_value(); batch = scanner.Next()) {
    ++result.batches_scanned;
    if (builder == nullptr) continue;
    const BatchHeader& header = (*batch)->header;
    builder->Add({(*batch)->position, header.last_offset(), header.max_timestamp_ms},
                 input.index_interval_bytes);
  }
  result.bytes_scanned += scanner.position() - from;
  SegmentObservation& seen = result.seen;
  seen.seen_next = std::max(seen.seen_next, scanner.next_offset());
  if (builder == nullptr) return;
  seen.good_bytes = scanner.position();
  seen.good_next = scanner.next_offset();
  if (!batch.ok()) {
    seen.unreadable = true;
    seen.reason = std::string(batch.status().message());
  } else if (scanner.damage()) {
    seen.reason = scanner.damage()->reason;
    // With a checkpoint, that alone decides; what follows does not matter.
    if (!input.checkpoint) LookBehindDamage(scanner, seen);
  }
}

}  // namespace

InspectedSegment InspectSegment(FileSystem& fs, const File& log, const InspectionInput& input) {
  const IndexCheckInput index_input = IndexInputOf(input);
  CheckedIndex checked = CheckIndex(fs, log, index_input);
  InspectedSegment result;
  SegmentObservation& seen = result.seen;
  seen.base = input.base;
  seen.bytes = input.bytes;
  seen.good_bytes = checked.good_bytes;
  seen.good_next = seen.seen_next = checked.good_next;
  seen.unreadable = checked.unreadable;
  if (checked.damage) {
    seen.reason = checked.damage->reason;
    if (IsCheckpointSegment(input)) {
      ScanRest(log, input, input.checkpoint->position, input.checkpoint->synced, nullptr, result);
    }
  } else {
    seen.contradicts_checkpoint = IsCheckpointSegment(input) && seen.good_next != input.checkpoint->synced;
    ScanRest(log, input, index_input.trusted, seen.good_next, &checked.builder, result);
  }
  if (input.next_base >= 0) checked.builder.Finish();
  if (seen.good_bytes > 0) {
    SegmentScanner first(
        log, {.to = seen.good_bytes, .depth = ScanDepth::kHeaders, .chunk_bytes = kBatchHeaderBytes});
    const absl::StatusOr<std::optional<ScannedBatch>> batch = first.Next();
    // That it cannot be read is seen by who reads it.
    if (batch.ok() && batch->has_value()) result.first_timestamp_ms = (*batch)->header.base_timestamp_ms;
  }
  result.notes = SettleIndex(fs, index_input, input.log_name, checked, result.filed);
  result.index = std::move(checked.builder);
  return result;
}

}  // namespace leat
