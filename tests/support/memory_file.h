#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "storage/env/file_system.h"
#include "tests/support/memory_file_system.h"

namespace leat {

// An open file of a MemoryFileSystem.
class MemoryFile final : public File {
 public:
  MemoryFile(MemoryFileSystem& fs, NodePtr node, std::string path, bool writable, uint64_t epoch)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)), writable_(writable), epoch_(epoch) {}

  absl::StatusOr<size_t> ReadAt(uint64_t offset, absl::Span<char> out) const override;
  absl::Status WriteAt(uint64_t offset, absl::Span<const absl::string_view> parts) override;
  absl::Status Sync() override;
  absl::StatusOr<uint64_t> Size() const override;
  absl::Status Truncate(uint64_t size) override;
  absl::Status Reserve(uint64_t size) override;
  absl::Status DropCache() override;
  int NativeHandle() const override { return -1; }

 private:
  // kStorageError when a crash has come since the file was opened.
  absl::Status Alive() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(fs_.mutex_);
  absl::Status Writable(const char* operation) const;

  MemoryFileSystem& fs_;
  const NodePtr node_;
  const std::string path_;
  const bool writable_;
  const uint64_t epoch_;
};

// An open directory of one.
class MemoryDirectory final : public Directory {
 public:
  MemoryDirectory(MemoryFileSystem& fs, NodePtr node, std::string path, uint64_t epoch)
      : fs_(fs), node_(std::move(node)), path_(std::move(path)), epoch_(epoch) {}

  absl::Status Sync() override;

 private:
  MemoryFileSystem& fs_;
  const NodePtr node_;
  const std::string path_;
  const uint64_t epoch_;
};

}  // namespace leat
