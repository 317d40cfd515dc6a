#pragma once

#include <optional>

#include "absl/status/status.h"
#include "client/record.h"
#include "protocol/record/batch.h"

// What a program can learn from an error that a consumer gave, besides its code (CodeOf) and message.

namespace leat {

// The partition that an error given by a poll is about, and that rests now; nothing for other errors.
std::optional<TopicPartition> PartitionOf(const absl::Status& status);

// Offsets that a consumer could not read.
struct UnreadableRange {
  TopicPartition partition = {};
  Offset begin = 0;
  Offset end = 0;  // the first offset behind them
};

// What a poll could not read: a batch that is damaged, cannot be decompressed, gives more than
// decompressed_bytes_max or other records than it says (kCorruptBatch, kUnsupportedCodec), offsets that the
// broker has lost or left out (kDataLoss), or does not keep any more (kOffsetOutOfRange, unless the
// consumer's out_of_range says otherwise). Its partition rests there. To go on without them:
//
//   if (auto range = UnreadableRangeOf(status)) consumer.Seek(range->partition, ReadFrom::At(range->end));
//
// Records at the front of such a batch may have been given already. Nothing for other errors, and for damage
// that hides where the next batch begins: then only a later offset or ReadFrom::End() goes on.
std::optional<UnreadableRange> UnreadableRangeOf(const absl::Status& status);

}  // namespace leat
