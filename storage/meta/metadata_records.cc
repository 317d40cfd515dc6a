#include "storage/meta/metadata_records.h"

#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "protocol/record/endian.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

enum class Type : uint8_t {
  kTopicCreated = 1,
  kTopicAltered = 2,
  kTopicDeleted = 3,
  kLeaderEpochRaised = 4,
  kLogStartMoved = 5,
};

// All types have this version so far.
constexpr uint8_t kVersion = 1;

class FieldWriter {
 public:
  explicit FieldWriter(Type type) { bytes_ = {static_cast<char>(type), static_cast<char>(kVersion)}; }

  void Text(absl::string_view text) {
    Raw(static_cast<uint32_t>(text.size()));
    bytes_.append(text.data(), text.size());
  }

  template <typename T>
  void Integer(T value) {
    Raw(static_cast<uint32_t>(sizeof(T)));
    Raw(value);
  }

  void Settings(const SettingList& settings) {
    Integer(static_cast<uint32_t>(settings.size()));
    for (const auto& [name, value] : settings) {
      Text(name);
      Text(value);
    }
  }

  std::string Take() && { return std::move(bytes_); }

 private:
  template <typename T>
  void Raw(T value) {
    char encoded[sizeof(T)];
    StoreBigEndian(encoded, value);
    bytes_.append(encoded, sizeof(T));
  }

  std::string bytes_;
};

// Takes fields off the front; once one is malformed all that follow are.
class FieldReader {
 public:
  explicit FieldReader(absl::string_view bytes) : rest_(bytes) {}

  // True when every field was well-formed and none is left over.
  bool Done() const { return good_ && rest_.empty(); }

  absl::string_view Bytes() {
    if (!good_ || rest_.size() < sizeof(uint32_t)) return Fail();
    const uint32_t size = LoadBigEndian<uint32_t>(rest_.data());
    rest_.remove_prefix(sizeof(uint32_t));
    if (rest_.size() < size) return Fail();
    const absl::string_view field = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return field;
  }

  std::string Text() { return std::string(Bytes()); }

  template <typename T>
  T Integer() {
    const absl::string_view field = Bytes();
    if (field.size() == sizeof(T)) return LoadBigEndian<T>(field.data());
    Fail();
    return 0;
  }

  SettingList Settings() {
    SettingList settings;
    // The count allocates nothing: each setting takes bytes that must be there.
    for (uint32_t left = Integer<uint32_t>(); left > 0 && good_; --left) {
      std::string name = Text();
      settings.emplace_back(std::move(name), Text());
    }
    return settings;
  }

  IdRange Range() {
    IdRange range;
    range.first = Integer<uint64_t>();
    range.count = Integer<uint32_t>();
    if (range.count > std::numeric_limits<uint64_t>::max() - range.first) Fail();
    return range;
  }

 private:
  absl::string_view Fail() {
    good_ = false;
    return {};
  }

  absl::string_view rest_;
  bool good_ = true;
};

std::string Encode(const TopicCreated& record) {
  FieldWriter out(Type::kTopicCreated);
  out.Integer(record.topic_id);
  out.Text(record.name);
  out.Integer(record.partitions.first);
  out.Integer(record.partitions.count);
  out.Settings(record.overrides);
  return std::move(out).Take();
}

std::string Encode(const TopicAltered& record) {
  FieldWriter out(Type::kTopicAltered);
  out.Integer(record.topic_id);
  out.Integer(record.added.first);
  out.Integer(record.added.count);
  out.Settings(record.overrides);
  return std::move(out).Take();
}

std::string Encode(const TopicDeleted& record) {
  FieldWriter out(Type::kTopicDeleted);
  out.Integer(record.topic_id);
  return std::move(out).Take();
}

std::string Encode(const LeaderEpochRaised& record) {
  FieldWriter out(Type::kLeaderEpochRaised);
  out.Integer(record.epoch);
  return std::move(out).Take();
}

std::string Encode(const LogStartMoved& record) {
  FieldWriter out(Type::kLogStartMoved);
  out.Integer(record.partition_id);
  out.Integer(record.offset);
  return std::move(out).Take();
}

TopicCreated ReadTopicCreated(FieldReader& in) {
  TopicCreated record;
  record.topic_id = in.Integer<uint64_t>();
  record.name = in.Text();
  record.partitions = in.Range();
  record.overrides = in.Settings();
  return record;
}

TopicAltered ReadTopicAltered(FieldReader& in) {
  TopicAltered record;
  record.topic_id = in.Integer<uint64_t>();
  record.added = in.Range();
  record.overrides = in.Settings();
  return record;
}

std::optional<MetadataRecord> ReadRecord(Type type, FieldReader& in) {
  switch (type) {
    case Type::kTopicCreated:
      return ReadTopicCreated(in);
    case Type::kTopicAltered:
      return ReadTopicAltered(in);
    case Type::kTopicDeleted:
      return TopicDeleted{in.Integer<uint64_t>()};
    case Type::kLeaderEpochRaised:
      return LeaderEpochRaised{in.Integer<int32_t>()};
    case Type::kLogStartMoved: {
      const uint64_t id = in.Integer<uint64_t>();
      return LogStartMoved{id, in.Integer<Offset>()};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string EncodeMetadataRecord(const MetadataRecord& record) {
  return std::visit([](const auto& kind) { return Encode(kind); }, record);
}

absl::StatusOr<MetadataRecord> DecodeMetadataRecord(absl::string_view bytes) {
  if (bytes.size() < 2) return MakeError(ErrorCode::kDataLoss, "metadata record: cut short");
  const auto type = static_cast<uint8_t>(bytes[0]);
  const auto version = static_cast<uint8_t>(bytes[1]);
  FieldReader in(bytes.substr(2));
  std::optional<MetadataRecord> record;
  if (version == kVersion) record = ReadRecord(static_cast<Type>(type), in);
  if (!record.has_value()) {
    return MakeError(ErrorCode::kUnsupportedFormat,
                     absl::StrCat("metadata record of type ", type, ", version ", version,
                                  ": written by a newer program; use that one"));
  }
  if (!in.Done()) {
    return MakeError(ErrorCode::kDataLoss, absl::StrCat("metadata record of type ", type, ": malformed"));
  }
  return *std::move(record);
}

}  // namespace leat
