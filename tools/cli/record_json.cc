#include "tools/cli/record_json.h"

#include <limits>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/cli/position.h"

namespace leat {
namespace {

absl::Status Wrong(absl::string_view name, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" has to be ", expected));
}

absl::Status ReadText(const std::string& name, const Json& value, std::optional<std::string>* out) {
  if (value.is_null()) {
    out->reset();
  } else if (value.is_string()) {
    *out = value.get_ref<const std::string&>();
  } else {
    return Wrong(name, absl::StrCat("text or null (bytes go into \"", name, "_base64\")"));
  }
  return absl::OkStatus();
}

absl::Status ReadBase64(const std::string& name, const Json& value, std::optional<std::string>* out) {
  std::string bytes;
  if (value.is_null()) {
    out->reset();
  } else if (value.is_string() && absl::Base64Unescape(value.get_ref<const std::string&>(), &bytes)) {
    *out = std::move(bytes);
  } else {
    return Wrong(name, "base64 text or null");
  }
  return absl::OkStatus();
}

absl::Status ReadHeader(const Json& source, RecordHeader* header) {
  constexpr absl::string_view kForm = "a list of {\"key\":...,\"value\":...} or one object {name: value}";
  if (!source.is_object()) return Wrong("headers", kForm);
  std::optional<std::string> key;
  absl::Status status;
  for (const auto& [name, value] : source.items()) {
    if (name == "key") {
      status = ReadText(name, value, &key);
    } else if (name == "key_base64") {
      status = ReadBase64(name, value, &key);
    } else if (name == "value") {
      status = ReadText(name, value, &header->value);
    } else if (name == "value_base64") {
      status = ReadBase64(name, value, &header->value);
    } else {
      status = absl::InvalidArgumentError(absl::StrCat("a header has no field \"", name, "\""));
    }
    if (!status.ok()) return status;
  }
  if (!key.has_value()) return absl::InvalidArgumentError("a header needs a \"key\"");
  header->key = *std::move(key);
  return absl::OkStatus();
}

absl::Status ReadHeaders(const Json& source, std::vector<RecordHeader>* headers) {
  if (source.is_null()) return absl::OkStatus();
  if (!source.is_object() && !source.is_array()) return Wrong("headers", "a list or an object");
  for (const auto& [name, value] : source.items()) {
    RecordHeader header;
    absl::Status status;
    if (source.is_object()) {
      header.key = name;
      if (!value.is_null() && !value.is_string()) {
        return Wrong(name, "text or null (bytes: \"headers\":[{\"key\":...,\"value_base64\":...}])");
      }
      status = ReadText(name, value, &header.value);
    } else {
      status = ReadHeader(value, &header);
    }
    if (!status.ok()) return status;
    headers->push_back(std::move(header));
  }
  return absl::OkStatus();
}

absl::Status ReadTimestamp(const std::string& name, const Json& value, std::optional<int64_t>* out) {
  if (value.is_null()) return absl::OkStatus();
  if (value.is_number_unsigned() && value.get<uint64_t>() > std::numeric_limits<int64_t>::max()) {
    return Wrong(name, "milliseconds since 1970 within 64 bits");
  }
  if (value.is_number_integer()) {
    *out = value.get<int64_t>();
    return absl::OkStatus();
  }
  if (value.is_string()) {
    const absl::StatusOr<Position> time = ParsePosition(
        absl::StrCat("@", value.get_ref<const std::string&>()), absl::ToUnixMillis(absl::Now()));
    if (time.ok()) {
      *out = time->number;
      return absl::OkStatus();
    }
  }
  return Wrong(name, "milliseconds since 1970 or an RFC 3339 time");
}

absl::Status ReadPartition(const Json& value, std::optional<int32_t>* out) {
  if (value.is_null()) return absl::OkStatus();
  if (!value.is_number_unsigned() || value.get<uint64_t>() > std::numeric_limits<int32_t>::max()) {
    return Wrong("partition", "a partition's number");
  }
  *out = static_cast<int32_t>(value.get<uint64_t>());
  return absl::OkStatus();
}

// Says where the line stops being JSON, and why.
absl::Status NotJson(absl::string_view line) {
  constexpr size_t kReasonBytes = 200;
  std::string reason;
  try {
    [[maybe_unused]] const Json json = Json::parse(line.begin(), line.end());
  } catch (const Json::exception& error) {
    const std::string text = error.what();
    const size_t column = text.find("column ");
    reason = text.substr(column == std::string::npos ? 0 : column, kReasonBytes);
  }
  return absl::InvalidArgumentError(absl::StrCat("the line is not JSON in UTF-8: ", reason,
                                                 "; for plain text leave out --input-format json"));
}

absl::Status ReadField(const std::string& name, const Json& value, Record* record) {
  if (name == "key") return ReadText(name, value, &record->key);
  if (name == "value") return ReadText(name, value, &record->value);
  if (name == "headers") return ReadHeaders(value, &record->headers);
  if (name == "timestamp" || name == "timestamp_ms") return ReadTimestamp(name, value, &record->timestamp_ms);
  if (name == "partition") return ReadPartition(value, &record->partition);
  if (name == "key_base64") return ReadBase64(name, value, &record->key);
  if (name == "value_base64") return ReadBase64(name, value, &record->value);
  if (name == "topic" || name == "offset") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("there is no field \"", name,
                   "\"; known are key, key_base64, value, value_base64, headers, timestamp, partition"));
}

}  // namespace

Json RecordToJson(const ShownRecord& record) {
  Json json = {{"topic", ToStdString(record.topic)},
               {"partition", record.partition},
               {"offset", record.offset},
               {"timestamp", record.timestamp_ms}};
  SetBytes(&json, "key", record.key);
  SetBytes(&json, "value", record.value);
  Json headers = Json::array();
  for (const HeaderView& header : record.headers) {
    Json one = Json::object();
    SetBytes(&one, "key", header.key);
    SetBytes(&one, "value", header.value);
    headers.push_back(std::move(one));
  }
  json["headers"] = std::move(headers);
  return json;
}

void AppendRecordJson(const ShownRecord& record, std::string* out) {
  out->append(Dump(RecordToJson(record)));
  out->push_back('\n');
}

absl::Status ParseRecordJson(absl::string_view line, Record* record) {
  record->partition.reset();
  record->key.reset();
  record->value.reset();
  record->headers.clear();
  record->timestamp_ms.reset();
  const Json json = Json::parse(line.begin(), line.end(), nullptr, false);
  if (json.is_discarded()) return NotJson(line);
  if (!json.is_object()) {
    return absl::InvalidArgumentError(
        "the line is not a JSON object; write for example {\"value\":\"text\"}");
  }
  for (const char* name : {"key", "value"}) {
    const std::string other = absl::StrCat(name, "_base64");
    if (json.contains(name) && json.contains(other)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", name, "\" and \"", other, "\" contradict each other: leave one of them out"));
    }
  }
  for (const auto& [name, value] : json.items()) {
    absl::Status status = ReadField(name, value, record);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace leat
