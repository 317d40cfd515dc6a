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
  } else if (input.checkpoint->position <= input.bytes) {
    index.trusted = input.checkpoint->position;
    index.trusted_next = input.checkpoint->synced;
  }
  return index;
}

bool IsCheckpointSegment(const InspectionInput& input) {
  return input.checkpoint && input.base == input.checkpoint->segment_base &&
         input.bytes >= input.checkpoint->position;
}

// Reads everything from `from` on, checksums included; adds batches to `builder` when there is one.
absl::Status ScanRest(const File& log, const InspectionInput& input, uint64_t from, Offset expected,
                      IndexBuilder* builder, InspectedSegment& result) {
  SegmentScanner scanner(log, {.from = from, .to = input.bytes, .expected = expected});
  while (true) {
    absl::StatusOr<std::optional<ScannedBatch>> batch = scanner.Next();
    if (!batch.ok()) return batch.status();
    if (!batch->has_value()) break;
    ++result.batches_scanned;
    if (builder == nullptr) continue;
    const BatchHeader& header = (*batch)->header;
    builder->Add({(*batch)->position, header.last_offset(), header.max_timestamp_ms},
                 input.index_interval_bytes);
  }
  result.bytes_scanned += scanner.position() - from;
  SegmentObservation& seen = result.seen;
  seen.seen_next = std::max(seen.seen_next, scanner.next_offset());
  if (builder == nullptr) return absl::OkStatus();
  seen.good_bytes = scanner.position();
  seen.good_next = scanner.next_offset();
  if (!scanner.damage()) return absl::OkStatus();
  seen.reason = scanner.damage()->reason;
  if (input.checkpoint) return absl::OkStatus();  // it alone decides; what follows does not matter
  absl::StatusOr<std::optional<ScannedBatch>> after = scanner.FindBatchAfterDamage();
  if (!after.ok()) return after.status();
  if (after->has_value()) {
    seen.batch_after_damage = true;
    seen.seen_next = std::max(seen.seen_next, (*after)->header.next_offset());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<InspectedSegment> InspectSegment(FileSystem& fs, const File& log,
                                                const InspectionInput& input) {
  const IndexCheckInput index_input = IndexInputOf(input);
  absl::StatusOr<CheckedIndex> checked = CheckIndex(fs, log, index_input);
  if (!checked.ok()) return checked.status();
  InspectedSegment result;
  SegmentObservation& seen = result.seen;
  seen.base = input.base;
  seen.bytes = input.bytes;
  seen.good_bytes = checked->good_bytes;
  seen.good_next = seen.seen_next = checked->good_next;
  if (checked->damage) {
    seen.reason = checked->damage->reason;
    if (IsCheckpointSegment(input)) {
      const CheckpointEntry& checkpoint = *input.checkpoint;
      absl::Status status = ScanRest(log, input, checkpoint.position, checkpoint.synced, nullptr, result);
      if (!status.ok()) return status;
    }
  } else {
    seen.contradicts_checkpoint = IsCheckpointSegment(input) && seen.good_next != input.checkpoint->synced;
    absl::Status status =
        ScanRest(log, input, index_input.trusted, seen.good_next, &checked->builder, result);
    if (!status.ok()) return status;
  }
  if (input.sealed) checked->builder.Finish();
  if (seen.good_bytes > 0) {
    SegmentScanner first(
        log, {.to = seen.good_bytes, .depth = ScanDepth::kHeaders, .chunk_bytes = kBatchHeaderBytes});
    absl::StatusOr<std::optional<ScannedBatch>> batch = first.Next();
    if (!batch.ok()) return batch.status();
    if (batch->has_value()) result.first_timestamp_ms = (*batch)->header.base_timestamp_ms;
  }
  result.notes = SettleIndex(fs, index_input, input.log_name, *checked, result.filed);
  result.index = std::move(checked->builder);
  return result;
}

}  // namespace leat
