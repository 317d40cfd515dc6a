#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/record/error.h"
#include "storage/env/io_error.h"
#include "tests/support/memory_file.h"

namespace leat {
namespace {

bool IsChange(FsOpKind kind) { return kind >= FsOpKind::kCreate; }

absl::Status ToStatus(const char* operation, const std::string& path, int error_number) {
  return error_number == 0 ? absl::OkStatus() : IoError(operation, path, error_number);
}

}  // namespace

// Gives the lock back, unless a crash has done so.
class MemoryFileLock final : public FileLock {
 public:
  MemoryFileLock(MemoryFileSystem& fs, const MemoryNode* node, uint64_t epoch)
      : fs_(fs), node_(node), epoch_(epoch) {}
  ~MemoryFileLock() override {
    MutexLock lock(fs_.mutex_);
    if (fs_.epoch_ == epoch_) fs_.locks_.erase(node_);
  }

 private:
  MemoryFileSystem& fs_;
  const MemoryNode* const node_;
  const uint64_t epoch_;
};

MemoryFileSystem::Permit MemoryFileSystem::Begin(FsOpKind kind, const std::string& path) {
  FsOp op{kind, path, 0, 0};
  std::shared_ptr<const Fault> fault;
  {
    MutexLock lock(mutex_);
    op.number = ++operations_;
    op.change = changes_ += IsChange(kind) ? 1 : 0;
    const bool was_off = stopped_;
    stopped_ = stopped_ || (stop_at_change_ != 0 && changes_ >= stop_at_change_);
    if (stopped_) {
      return {was_off ? Gate::kOff : Gate::kStop,
              MakeError(ErrorCode::kStorageError, absl::StrCat(path, ": the machine has stopped")),
              op.number};
    }
    fault = fault_;
  }
  absl::Status refused = fault != nullptr ? (*fault)(op) : absl::OkStatus();
  const Gate gate = refused.ok() ? Gate::kOpen : Gate::kFault;
  return {gate, std::move(refused), op.number};
}

void MemoryFileSystem::SetFault(Fault fault) {
  MutexLock lock(mutex_);
  fault_ = fault != nullptr ? std::make_shared<const Fault>(std::move(fault)) : nullptr;
}

void MemoryFileSystem::StopAtChange(uint64_t change) {
  MutexLock lock(mutex_);
  stop_at_change_ = change;
  stopped_ = false;
}

void MemoryFileSystem::SetCapacity(uint64_t bytes) {
  MutexLock lock(mutex_);
  capacity_ = bytes;
}

uint64_t MemoryFileSystem::operations() const {
  MutexLock lock(mutex_);
  return operations_;
}

uint64_t MemoryFileSystem::changes() const {
  MutexLock lock(mutex_);
  return changes_;
}

std::unique_ptr<MemoryFileSystem> MemoryFileSystem::Clone() const {
  auto clone = std::make_unique<MemoryFileSystem>();
  MutexLock lock(mutex_);
  MutexLock clone_lock(clone->mutex_);
  clone->names_ = names_.Clone();
  clone->sequence_ = sequence_;
  clone->capacity_ = capacity_;
  clone->used_ = used_;
  return clone;
}

void MemoryFileSystem::Crash(CrashPolicy policy, uint64_t seed) {
  MutexLock lock(mutex_);
  ++epoch_;
  locks_.clear();
  stop_at_change_ = 0;
  stopped_ = false;
  if (policy != CrashPolicy::kProcess) LosePower(policy, seed);
  uint64_t used = 0;
  names_.ForEachFile([&used](MemoryFileData& data) { used += data.allocated(); });
  used_ = used;
}

void MemoryFileSystem::LosePower(CrashPolicy policy, uint64_t seed) {
  SeededRandom random(seed);
  if (policy == CrashPolicy::kPowerLossAll) return names_.LoseUnsynced();
  if (policy == CrashPolicy::kPowerLossSubset) {
    return names_.KeepSubset(random.Pick(std::vector<double>{0.1, 0.5, 0.9}), random);
  }
  std::vector<uint64_t> sequences;
  names_.ListUnsynced(sequences);
  std::sort(sequences.begin(), sequences.end());
  const uint64_t kept = random.Below(sequences.size() + 1);
  names_.KeepPrefix(kept < sequences.size() ? sequences[kept] : std::numeric_limits<uint64_t>::max(), random);
}

absl::StatusOr<std::unique_ptr<File>> MemoryFileSystem::Open(const std::string& path, OpenMode mode) {
  const bool create = mode == OpenMode::kCreateNew;
  const Permit permit = Begin(create ? FsOpKind::kCreate : FsOpKind::kOpen, path);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr node;
  int error = create ? names_.Create(++sequence_, path, false, &node) : names_.Find(path, &node);
  if (error == 0 && node->is_directory) error = EISDIR;
  if (error != 0) return IoError("open", path, error);
  return std::make_unique<MemoryFile>(*this, node, path, mode != OpenMode::kRead, epoch_);
}

absl::StatusOr<std::vector<DirEntry>> MemoryFileSystem::List(const std::string& path) {
  const Permit permit = Begin(FsOpKind::kList, path);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr node;
  int error = names_.Find(path, &node);
  if (error == 0 && !node->is_directory) error = ENOTDIR;
  if (error != 0) return IoError("list", path, error);
  std::vector<DirEntry> entries;
  for (const auto& [name, child] : node->live) entries.push_back({name, child->is_directory});
  return entries;
}

absl::StatusOr<bool> MemoryFileSystem::Exists(const std::string& path) {
  const Permit permit = Begin(FsOpKind::kExists, path);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr node;
  const int error = names_.Find(path, &node);
  if (error == 0) return true;
  if (error == ENOENT) return false;
  return IoError("look for", path, error);
}

absl::Status MemoryFileSystem::CreateDir(const std::string& path) {
  const Permit permit = Begin(FsOpKind::kCreateDir, path);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr node;
  int error = names_.Create(++sequence_, path, true, &node);
  if (error == EEXIST && names_.Find(path, &node) == 0 && node->is_directory) error = 0;
  return ToStatus("create directory", path, error);
}

absl::Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  const Permit permit = Begin(FsOpKind::kRename, from);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr replaced;
  const int error = names_.Rename(++sequence_, from, to, &replaced);
  Release(replaced);
  return ToStatus("rename", absl::StrCat(from, " to ", to), error);
}

absl::Status MemoryFileSystem::Remove(const std::string& path) {
  const Permit permit = Begin(FsOpKind::kRemove, path);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr removed;
  const int error = names_.Remove(++sequence_, path, &removed);
  if (error == 0) Release(removed);
  return ToStatus("remove", path, error);
}

absl::StatusOr<std::unique_ptr<Directory>> MemoryFileSystem::OpenDir(const std::string& path) {
  const Permit permit = Begin(FsOpKind::kOpenDir, path);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr node;
  int error = names_.Find(path, &node);
  if (error == 0 && !node->is_directory) error = ENOTDIR;
  if (error != 0) return IoError("open", path, error);
  return std::make_unique<MemoryDirectory>(*this, node, path, epoch_);
}

absl::StatusOr<std::unique_ptr<FileLock>> MemoryFileSystem::Lock(const std::string& path) {
  const Permit permit = Begin(FsOpKind::kLock, path);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr node;
  int error = names_.Find(path, &node);
  if (error == ENOENT) error = names_.Create(++sequence_, path, false, &node);
  if (error == 0 && node->is_directory) error = EISDIR;
  if (error != 0) return IoError("lock", path, error);
  if (!locks_.insert(node.get()).second) {
    return MakeError(ErrorCode::kDirectoryLocked, absl::StrCat("lock ", path, ": held already"));
  }
  return std::make_unique<MemoryFileLock>(*this, node.get(), epoch_);
}

absl::StatusOr<uint64_t> MemoryFileSystem::FreeSpace(const std::string& path) {
  const Permit permit = Begin(FsOpKind::kFreeSpace, path);
  if (!permit.ok()) return permit.status;
  MutexLock lock(mutex_);
  NodePtr node;
  const int error = names_.Find(path, &node);
  if (error != 0) return IoError("free space of", path, error);
  return capacity_ - std::min(used_, capacity_);
}

absl::Status MemoryFileSystem::Write(MemoryNode& node, const std::string& path, uint64_t offset,
                                     absl::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  if (offset > kMemoryFileBytesMax - std::min<uint64_t>(bytes.size(), kMemoryFileBytesMax)) {
    return IoError("write", path, EFBIG);
  }
  const uint64_t end = FitIntoCapacity(node, offset + bytes.size());
  const absl::string_view fits = bytes.substr(0, end > offset ? end - offset : 0);
  const uint64_t sequence = ++sequence_;
  Change(node, [&](MemoryFileData& data) { data.Write(sequence, offset, fits); });
  return fits.size() == bytes.size() ? absl::OkStatus() : IoError("write", path, ENOSPC);
}

uint64_t MemoryFileSystem::FitIntoCapacity(const MemoryNode& node, uint64_t bytes) const {
  const uint64_t room = capacity_ - std::min(used_, capacity_);
  return std::min(bytes, node.data.allocated() + room);
}

void MemoryFileSystem::Change(MemoryNode& node, const std::function<void(MemoryFileData&)>& change) {
  if (node.names > 0) used_ -= node.data.allocated();
  change(node.data);
  if (node.names > 0) used_ += node.data.allocated();
}

void MemoryFileSystem::Release(const NodePtr& unlinked) {
  if (unlinked != nullptr && unlinked->names == 0) used_ -= unlinked->data.allocated();
}

}  // namespace leat
