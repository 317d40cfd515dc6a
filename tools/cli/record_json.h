#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "client/record.h"
#include "tools/cli/json.h"
#include "tools/cli/shown_record.h"

// Records as JSON lines. What consume writes, produce takes:
//   {"topic":"t","partition":0,"offset":7,"timestamp":1714559400000,"key":"k","value":"v",
//    "headers":[{"key":"h","value":"x"}]}
// Bytes that are not UTF-8 are in "key_base64" and "value_base64" instead; null is null.

namespace leat {

// Appends the record's line, '\n' included.
void AppendRecordJson(const ShownRecord& record, std::string* out);

// The fields of a record as an object.
Json RecordToJson(const ShownRecord& record);

// Reads one line into `record` (its topic is left alone). Only what the line says is set: a record has no key
// and no value otherwise. "topic" and "offset" are taken and not used, so that what was consumed can be
// produced elsewhere. The error says what is wrong with the line.
absl::Status ParseRecordJson(absl::string_view line, Record* record);

}  // namespace leat
