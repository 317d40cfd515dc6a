#include "bench/load/loads.h"

namespace leat {

TopicSpec SpecOf(const LoadOptions& options) {
  return {.name = options.topic, .partitions = options.partitions, .recreate = options.recreate};
}

std::string AckName(wire::AckLevel level) {
  switch (level) {
    case wire::ACK_DURABLE:
      return "durable";
    case wire::ACK_WRITTEN:
      return "written";
    default:
      return "none";
  }
}

}  // namespace leat
