#pragma once

#include <memory>
#include <string>
#include <utility>

#include "protocol/wire/transport.h"
#include "storage/env/file_system.h"

namespace leat {

// A file as the network sees it.
class FileSource final : public ByteSource {
 public:
  explicit FileSource(std::shared_ptr<const File> file) : file_(std::move(file)) {}
  int NativeHandle() const override { return file_->NativeHandle(); }
  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const override;

 private:
  const std::shared_ptr<const File> file_;
};

// Bytes in memory as the network sees them.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  int NativeHandle() const override { return -1; }
  bool InMemory() const override { return true; }
  absl::Status ReadAt(uint64_t offset, absl::Span<char> out) const override;

 private:
  const std::string bytes_;
};

// Fills `out` from `file`; kStorageError when the file ends before.
[[nodiscard]] absl::Status ReadFully(const File& file, uint64_t offset, absl::Span<char> out);

}  // namespace leat
