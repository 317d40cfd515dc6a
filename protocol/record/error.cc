#include "protocol/record/error.h"

#include <algorithm>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace leat {
namespace {

constexpr absl::string_view kPayloadUrl = "leat/error";
constexpr absl::string_view kResumeUrl = "leat/resume";

constexpr ErrorInfo kTable[] = {
    {ErrorCode::kNone, "NONE", absl::StatusCode::kOk, false, "success"},
    {ErrorCode::kUnknown, "UNKNOWN", absl::StatusCode::kUnknown, false,
     "no more is known than the message says"},
    {ErrorCode::kInvalidRequest, "INVALID_REQUEST", absl::StatusCode::kInvalidArgument, false,
     "the request is malformed or contradicts itself"},
    {ErrorCode::kUnsupportedVersion, "UNSUPPORTED_VERSION", absl::StatusCode::kUnimplemented, false,
     "client and broker have no protocol version in common"},
    {ErrorCode::kFrameTooLarge, "FRAME_TOO_LARGE", absl::StatusCode::kResourceExhausted, false,
     "the frame is larger than the connection allows"},
    {ErrorCode::kNotReady, "NOT_READY", absl::StatusCode::kFailedPrecondition, false,
     "the first request of a connection has to be Hello"},
    {ErrorCode::kShuttingDown, "SHUTTING_DOWN", absl::StatusCode::kUnavailable, true,
     "the broker is stopping; try again when it is back"},
    {ErrorCode::kTimedOut, "TIMED_OUT", absl::StatusCode::kDeadlineExceeded, true,
     "the time allowed ran out; the request may or may not have been carried out"},
    {ErrorCode::kLimitExceeded, "LIMIT_EXCEEDED", absl::StatusCode::kResourceExhausted, false,
     "a limit of the broker was met; the message names it"},
    {ErrorCode::kUnknownTopic, "UNKNOWN_TOPIC", absl::StatusCode::kNotFound, false,
     "there is no topic of this name"},
    {ErrorCode::kUnknownPartition, "UNKNOWN_PARTITION", absl::StatusCode::kNotFound, false,
     "the topic has no partition of this number"},
    {ErrorCode::kTopicExists, "TOPIC_EXISTS", absl::StatusCode::kAlreadyExists, false,
     "a topic of this name exists already"},
    {ErrorCode::kInvalidTopicName, "INVALID_TOPIC_NAME", absl::StatusCode::kInvalidArgument, false,
     "the name breaks the rules for topic names"},
    {ErrorCode::kInvalidPartitionCount, "INVALID_PARTITION_COUNT", absl::StatusCode::kInvalidArgument, false,
     "the number of partitions is not allowed"},
    {ErrorCode::kInvalidConfig, "INVALID_CONFIG", absl::StatusCode::kInvalidArgument, false,
     "a setting is unknown or its value is not allowed"},
    {ErrorCode::kCorruptBatch, "CORRUPT_BATCH", absl::StatusCode::kDataLoss, false,
     "length, structure or checksum of a batch does not hold"},
    {ErrorCode::kInvalidBatch, "INVALID_BATCH", absl::StatusCode::kInvalidArgument, false,
     "the batch breaks a rule of the format"},
    {ErrorCode::kBatchTooLarge, "BATCH_TOO_LARGE", absl::StatusCode::kInvalidArgument, false,
     "the batch is larger than the topic allows"},
    {ErrorCode::kInvalidTimestamp, "INVALID_TIMESTAMP", absl::StatusCode::kInvalidArgument, false,
     "a timestamp lies outside the range that the topic allows"},
    {ErrorCode::kUnsupportedCodec, "UNSUPPORTED_CODEC", absl::StatusCode::kInvalidArgument, false,
     "the compression codec is unknown"},
    {ErrorCode::kOffsetOutOfRange, "OFFSET_OUT_OF_RANGE", absl::StatusCode::kOutOfRange, false,
     "the offset lies outside the range that the partition holds"},
    {ErrorCode::kDiskFull, "DISK_FULL", absl::StatusCode::kResourceExhausted, true,
     "the disk is full; writing resumes by itself when there is space"},
    {ErrorCode::kStorageError, "STORAGE_ERROR", absl::StatusCode::kInternal, false,
     "the file system reported an error"},
    {ErrorCode::kDataLoss, "DATA_LOSS", absl::StatusCode::kDataLoss, false,
     "bytes that had been promised are damaged or gone"},
    {ErrorCode::kPartitionFenced, "PARTITION_FENCED", absl::StatusCode::kFailedPrecondition, false,
     "the partition takes no writes until it is repaired"},
    {ErrorCode::kOutcomeUnknown, "OUTCOME_UNKNOWN", absl::StatusCode::kUnknown, false,
     "a sync failed: the record may or may not have become durable"},
    {ErrorCode::kUnsupportedFormat, "UNSUPPORTED_FORMAT", absl::StatusCode::kFailedPrecondition, false,
     "the data directory has a format that this version does not read"},
    {ErrorCode::kDirectoryLocked, "DIRECTORY_LOCKED", absl::StatusCode::kFailedPrecondition, false,
     "another process uses the data directory"},
    {ErrorCode::kUnavailable, "UNAVAILABLE", absl::StatusCode::kUnavailable, true,
     "the broker cannot be reached"},
};

ErrorCode NearestCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kOk:
      return ErrorCode::kNone;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return ErrorCode::kInvalidRequest;
    case absl::StatusCode::kDeadlineExceeded:
      return ErrorCode::kTimedOut;
    case absl::StatusCode::kUnavailable:
      return ErrorCode::kUnavailable;
    case absl::StatusCode::kDataLoss:
      return ErrorCode::kDataLoss;
    case absl::StatusCode::kInternal:
      return ErrorCode::kStorageError;
    default:
      return ErrorCode::kUnknown;
  }
}

}  // namespace

absl::Span<const ErrorInfo> ErrorTable() { return kTable; }

const ErrorInfo& InfoOf(ErrorCode code) {
  const auto* row = std::find_if(std::begin(kTable), std::end(kTable),
                                 [code](const ErrorInfo& info) { return info.code == code; });
  return row != std::end(kTable) ? *row : kTable[1];
}

absl::Status MakeError(ErrorCode code, absl::string_view message) {
  absl::Status status(InfoOf(code).status, message);
  status.SetPayload(kPayloadUrl, absl::Cord(absl::StrCat(static_cast<int32_t>(code))));
  return status;
}

ErrorCode CodeOf(const absl::Status& status) {
  if (status.ok()) return ErrorCode::kNone;
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  int32_t number = 0;
  if (payload.has_value() && absl::SimpleAtoi(std::string(*payload), &number)) {
    return static_cast<ErrorCode>(number);
  }
  return NearestCode(status.code());
}

absl::Status WithResumeOffset(absl::Status status, int64_t offset) {
  status.SetPayload(kResumeUrl, absl::Cord(absl::StrCat(offset)));
  return status;
}

std::optional<int64_t> ResumeOffsetOf(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kResumeUrl);
  int64_t offset = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &offset)) return std::nullopt;
  return offset;
}

}  // namespace leat
