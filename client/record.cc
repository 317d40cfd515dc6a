#include "client/record.h"

namespace leat {

absl::string_view AcksName(Acks acks) {
  switch (acks) {
    case Acks::kDurable:
      return "durable";
    case Acks::kWritten:
      return "written";
    case Acks::kNone:
      break;
  }
  return "none";
}

std::optional<Acks> ParseAcks(absl::string_view name) {
  for (Acks acks : {Acks::kDurable, Acks::kWritten, Acks::kNone}) {
    if (name == AcksName(acks)) return acks;
  }
  return std::nullopt;
}

}  // namespace leat
