#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "broker/responder.h"
#include "storage/log/partition_log.h"

namespace leat {

// Puts the slices of a fetch reply one behind the other: small ones are copied and leave together with the
// header in one write, large ones are sent from their files.
class ReplyBody {
 public:
  // With `copy` false everything is sent from its file, for want of memory.
  explicit ReplyBody(bool copy) : copy_(copy) {}
  // Reads a small slice; on an error nothing is added.
  [[nodiscard]] absl::Status Add(const LogSlice& slice);
  ReplyPayload Take();

 private:
  void FlushCopied();

  const bool copy_;
  ReplyPayload payload_;
  std::string copied_;       // small slices since the last large one
  size_t copied_total_ = 0;  // bytes that the reply holds in memory
};

}  // namespace leat
