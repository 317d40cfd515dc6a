#include "protocol/wire/receive_buffer.h"

#include <algorithm>
#include <cstring>

namespace leat {

// realloc moves the pages of a large buffer instead of copying them.
bool ReceiveBuffer::Resize(size_t capacity) {
  auto* memory = static_cast<char*>(std::realloc(memory_.get(), capacity));
  if (memory == nullptr) return false;
  static_cast<void>(memory_.release());
  memory_.reset(memory);
  capacity_ = capacity;
  return true;
}

size_t ReceiveBuffer::Larger(size_t capacity) const {
  if (capacity == 0) return std::min(kBytesFirst, bytes_usual_);
  if (capacity < bytes_usual_) return bytes_usual_;
  return std::min(bytes_max_, 2 * capacity);
}

absl::Span<char> ReceiveBuffer::Prepare(size_t wanted) {
  if (begin_ > 0) {
    if (end_ > begin_) std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const size_t target = std::min(bytes_max_, std::max({wanted, bytes_usual_, end_ + 1}));
  const bool full = end_ == capacity_ || (hungry_ && capacity_ < bytes_usual_);
  if (full && capacity_ < target && !Resize(Larger(capacity_))) return {};
  const size_t limit = std::min(capacity_, target);
  if (end_ >= limit) return {};
  offered_ = limit - end_;
  return absl::MakeSpan(memory_.get() + end_, limit - end_);
}

void ReceiveBuffer::Commit(size_t bytes) {
  end_ += bytes;
  hungry_ = bytes == offered_;
  needed_ = std::max(needed_, end_);
}

void ReceiveBuffer::Consume(size_t bytes) {
  begin_ += std::min(bytes, end_ - begin_);
  if (begin_ == end_) begin_ = end_ = 0;
}

bool ReceiveBuffer::Trim() {
  const bool was_used = needed_ > 0;
  if (!was_used && size() == 0) {
    memory_.reset();
    capacity_ = begin_ = end_ = 0;
    hungry_ = false;
    return false;
  }
  size_t target = Larger(0);
  while (target < std::max(needed_, end_)) target = Larger(target);
  if (target < capacity_) Resize(target);
  needed_ = 0;
  return was_used;
}

}  // namespace leat
