#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

// Leat's errors: one table for all layers (design D12). Every failure is an absl::Status; those that a client
// has to tell apart also carry an ErrorCode, which travels on the wire as its number. Numbers never change
// and are never reused. protocol/PROTOCOL.md lists the table; a test compares the two.

namespace leat {

enum class ErrorCode : int32_t {
  kNone = 0,
  kUnknown = 1,             // no more is known; the message says what happened
  kInvalidRequest = 2,      // malformed or contradictory request
  kUnsupportedVersion = 3,  // no common protocol version
  kFrameTooLarge = 4,       // frame above the connection's limit
  kNotReady = 5,            // Hello has not been answered yet
  kShuttingDown = 6,        // the broker is stopping
  kTimedOut = 7,            // outcome unknown: the request may or may not have been carried out
  kLimitExceeded = 8,       // a named limit was met
  kUnknownTopic = 20,
  kUnknownPartition = 21,
  kTopicExists = 22,
  kInvalidTopicName = 23,
  kInvalidPartitionCount = 24,
  kInvalidConfig = 25,
  kCorruptBatch = 40,  // CRC, length or structure of a batch does not hold
  kInvalidBatch = 41,  // well-formed, but breaks a rule of the format
  kBatchTooLarge = 42,
  kInvalidTimestamp = 43,
  kUnsupportedCodec = 44,
  kOffsetOutOfRange = 45,
  kDiskFull = 60,
  kStorageError = 61,       // an I/O error; the message names file and cause
  kDataLoss = 62,           // bytes that had been promised are damaged or gone
  kPartitionFenced = 63,    // the partition refuses writes until repaired
  kOutcomeUnknown = 64,     // the record may or may not be durable (a sync failed)
  kUnsupportedFormat = 80,  // data directory of another or a newer format
  kDirectoryLocked = 81,    // another process has the data directory
  kUnavailable = 90,        // client side: no connection to the broker
};

struct ErrorInfo {
  ErrorCode code;
  absl::string_view name;  // as on the wire and in JSON: UNKNOWN_TOPIC
  absl::StatusCode status;
  bool retriable;  // the same request may succeed later without a change
  absl::string_view meaning;
};

// All errors, ordered by number. Static storage.
absl::Span<const ErrorInfo> ErrorTable();

// The row of `code`; the row of kUnknown for a number that this build does not know.
const ErrorInfo& InfoOf(ErrorCode code);

// A status with the code's canonical absl code and the code itself attached. `message` names the cause and,
// where there is one, the remedy.
absl::Status MakeError(ErrorCode code, absl::string_view message);

// The attached code; kNone for an OK status; for a status without one, the nearest code (kStorageError,
// kInvalidRequest, ...), so that foreign statuses still map to something definite.
ErrorCode CodeOf(const absl::Status& status);

// For kDataLoss and kOffsetOutOfRange: the first offset behind what cannot be read. It travels with the
// error, also on the wire.
absl::Status WithResumeOffset(absl::Status status, int64_t offset);
// Nothing when the error does not say.
std::optional<int64_t> ResumeOffsetOf(const absl::Status& status);

inline bool IsRetriable(const absl::Status& status) { return InfoOf(CodeOf(status)).retriable; }

}  // namespace leat
