#include "broker/handlers/reply_body.h"

#include <memory>
#include <utility>

#include "broker/file_source.h"

namespace leat {
namespace {

// From here on sendfile costs less than a copy.
constexpr uint64_t kSendFileBytesMin = 32 * 1024;
// What one reply copies at most; further small slices are sent from their files too.
constexpr size_t kCopiedBytesMax = 512 * 1024;

}  // namespace

absl::Status ReplyBody::Add(const LogSlice& slice) {
  if (slice.length == 0) return absl::OkStatus();
  if (!copy_ || slice.length >= kSendFileBytesMin || copied_total_ + slice.length > kCopiedBytesMax) {
    FlushCopied();
    payload_.ranges.push_back({std::make_shared<FileSource>(slice.file), slice.position, slice.length});
    return absl::OkStatus();
  }
  const size_t before = copied_.size();
  copied_.resize(before + slice.length);
  absl::Status status =
      ReadFully(*slice.file, slice.position, absl::MakeSpan(&copied_[before], slice.length));
  if (!status.ok()) {
    copied_.resize(before);
    return status;
  }
  copied_total_ += slice.length;
  return absl::OkStatus();
}

void ReplyBody::FlushCopied() {
  if (copied_.empty()) return;
  if (payload_.ranges.empty()) {
    payload_.body = std::move(copied_);
  } else {
    const uint64_t length = copied_.size();
    payload_.ranges.push_back({std::make_shared<MemorySource>(std::move(copied_)), 0, length});
  }
  copied_.clear();
}

ReplyPayload ReplyBody::Take() {
  FlushCopied();
  return std::move(payload_);
}

}  // namespace leat
