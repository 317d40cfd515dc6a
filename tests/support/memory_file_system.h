#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "protocol/record/mutex.h"
#include "storage/env/file_system.h"
#include "tests/support/memory_name_tree.h"

namespace leat {

inline constexpr uint64_t kMemoryFileBytesMax = uint64_t{1} << 31;  // EFBIG beyond

// What a crash leaves behind. The same state, policy and seed leave the same.
enum class CrashPolicy {
  kProcess,          // the process dies: every byte and name survives, still unsynced
  kPowerLossAll,     // everything unsynced is lost
  kPowerLossPrefix,  // operations survive in their order up to a random one; a write may be torn there
  kPowerLossSubset,  // any unsynced sectors, sizes and names survive, independently, torn at any byte
};

enum class FsOpKind {
  kOpen,
  kOpenDir,
  kRead,
  kSize,
  kDropCache,
  kList,
  kExists,
  kLock,
  kFreeSpace,  // these change nothing
  kCreate,
  kWrite,
  kSync,
  kTruncate,
  kReserve,
  kCreateDir,
  kRename,
  kRemove,
  kSyncDir,
};

// An operation that is about to be carried out.
struct FsOp {
  FsOpKind kind;
  std::string path;
  uint64_t number;  // of all operations, from 1
  uint64_t change;  // of those that change something, from 1; for others that of the last one
};

// A disk in memory that models what a crash leaves and fails on demand. Relative and absolute paths mean the
// same; there are no links and no "..". Any thread. Must outlive its files and locks.
//
// An error from a sync drops what was dirty: it can still be read (until DropCache), it is lost with the next
// power loss, and the next sync succeeds, as on Linux. Unlike the posix files these do not remember the
// error, so that callers that try again are caught.
class MemoryFileSystem final : public FileSystem {
 public:
  // Consulted before each operation, without a lock held; an error is returned in place of carrying it out.
  // A write that fails has written some of its bytes.
  using Fault = std::function<absl::Status(const FsOp&)>;

  MemoryFileSystem() = default;

  // Kills the process and, by policy, the power. Open files and locks are dead afterwards: files fail every
  // call. Whatever StopAtChange set is over; faults and capacity stay.
  void Crash(CrashPolicy policy, uint64_t seed);

  // Replaces the hook; nullptr takes it away.
  void SetFault(Fault fault);

  // From this change on every operation fails, as if the machine had stopped there. 0 takes it back.
  void StopAtChange(uint64_t change);

  // Size of the disk: bytes that all files together may occupy.
  void SetCapacity(uint64_t bytes);

  uint64_t operations() const;  // begun so far
  uint64_t changes() const;     // begun so far

  // A disk in the same state, unsynced parts included; no faults, no files open.
  std::unique_ptr<MemoryFileSystem> Clone() const;

  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override;
  absl::StatusOr<std::vector<DirEntry>> List(const std::string& path) override;
  absl::StatusOr<bool> Exists(const std::string& path) override;
  absl::Status CreateDir(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<Directory>> OpenDir(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
  absl::StatusOr<uint64_t> FreeSpace(const std::string& path) override;

 private:
  friend class MemoryFile;
  friend class MemoryDirectory;
  friend class MemoryFileLock;

  enum class Gate {
    kOpen,   // carry the operation out
    kFault,  // the hook refused it
    kStop,   // the machine stops in it
    kOff,    // the machine has stopped before
  };
  struct Permit {
    Gate gate;
    absl::Status status;  // OK for kOpen
    uint64_t number;

    bool ok() const { return gate == Gate::kOpen; }
  };

  // Counts an operation and asks whether it may go on.
  Permit Begin(FsOpKind kind, const std::string& path);
  absl::Status Write(MemoryNode& node, const std::string& path, uint64_t offset, absl::string_view bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Room for a file that is to occupy `bytes`; what of them fits.
  uint64_t FitIntoCapacity(const MemoryNode& node, uint64_t bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Carries out `change` and keeps count of the space that `node` occupies.
  void Change(MemoryNode& node, const std::function<void(MemoryFileData&)>& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Release(const NodePtr& unlinked) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LosePower(CrashPolicy policy, uint64_t seed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  MemoryNameTree names_ ABSL_GUARDED_BY(mutex_);
  std::set<const MemoryNode*> locks_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const Fault> fault_ ABSL_GUARDED_BY(mutex_);
  uint64_t epoch_ ABSL_GUARDED_BY(mutex_) = 1;  // counts crashes
  uint64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t operations_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t stop_at_change_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t capacity_ ABSL_GUARDED_BY(mutex_) = uint64_t{1} << 50;
  uint64_t used_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace leat
