#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/responder.h"
#include "protocol/wire/leat.pb.h"

namespace leat {

using RequestKind = wire::RequestHeader::RequestCase;

// One request as its handler gets it. `header` and `payload` are valid during the call only.
struct Request {
  Responder responder;
  const wire::RequestHeader& header;
  absl::Span<char> payload;  // may be written to
};

// Entries of a request that has one for each partition or topic.
using CountEntries = int (*)(const wire::RequestHeader& header);

// Answers through the responder, during the call or later; always on the lane's executor.
using RequestHandler = void (*)(Request& request);

// One row for each request of the protocol (design D12).
struct RequestRow {
  RequestKind kind;
  absl::string_view name;
  RequestHandler handler;
  bool takes_payload;
  CountEntries count_entries = nullptr;  // they are limited by partitions_per_request_max
};

absl::Span<const RequestRow> RequestTable();

// Null for a request that this build does not know.
const RequestRow* FindRequest(RequestKind kind);

}  // namespace leat
