#pragma once

#include <string>

#include "gtest/gtest.h"
#include "storage/env/file_system.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/temp_dir.h"

// The implementations of FileSystem that every test of the contract runs over. A new one is added here.

namespace leat {

class PosixDisk {
 public:
  FileSystem& fs() { return PosixFileSystem(); }
  const std::string& root() const { return dir_.path(); }

 private:
  TempDir dir_;
};

class MemoryDisk {
 public:
  MemoryDisk() { root_made_ = fs_.CreateDir(root_).ok() && fs_.SyncDir("/").ok(); }
  FileSystem& fs() { return fs_; }
  const std::string& root() const { return root_; }

 private:
  const std::string root_ = "/root";
  MemoryFileSystem fs_;
  bool root_made_;
};

// An empty directory root() on the file system fs().
template <typename Disk>
class FileSystemTest : public ::testing::Test {
 protected:
  FileSystem& fs() { return disk_.fs(); }
  const std::string& root() const { return disk_.root(); }
  std::string Path(const std::string& name) const { return root() + "/" + name; }

 private:
  Disk disk_;
};

using Disks = ::testing::Types<PosixDisk, MemoryDisk>;

}  // namespace leat
