#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/memory_file_data.h"
#include "tests/support/seeded_random.h"

namespace leat {

struct MemoryNode;
using NodePtr = std::shared_ptr<MemoryNode>;

// A file or a directory, whatever its names.
struct MemoryNode {
  bool is_directory = false;
  int names = 1;                           // that the process sees
  MemoryFileData data;                     // of a file
  std::map<std::string, NodePtr> live;     // of a directory: what the process sees
  std::map<std::string, NodePtr> durable;  // of a directory: what is on the device
};

// The names of a MemoryFileSystem and the operations on them that no sync of a directory has covered. Calls
// that can fail return an errno, 0 for success. A rename never loses its file: after a power loss it is under
// the former name, under the new one, or (for files, as on file systems that order little) under both;
// syncing either of the two directories makes it durable as a whole. Guarded by the file system's lock.
class MemoryNameTree {
 public:
  MemoryNameTree();

  int Find(const std::string& path, NodePtr* node) const;
  // EEXIST when the name is taken.
  int Create(uint64_t sequence, const std::string& path, bool is_directory, NodePtr* node);
  // `replaced` is set when a file was.
  int Rename(uint64_t sequence, const std::string& from, const std::string& to, NodePtr* replaced);
  int Remove(uint64_t sequence, const std::string& path, NodePtr* removed);
  void SyncDir(const NodePtr& dir);
  // A sync that reported an error: what was not durable in that directory never becomes so.
  void FailSyncDir(const NodePtr& dir) { TakeUnsynced(dir); }

  // Adds the sequence numbers of operations on names and data that are not synced.
  void ListUnsynced(std::vector<uint64_t>& sequences) const;

  // Power losses, of names and of the data below them; see MemoryFileData.
  void LoseUnsynced();
  void KeepPrefix(uint64_t torn, SeededRandom& random);
  void KeepSubset(double survival, SeededRandom& random);

  // Every file that has a name now.
  void ForEachFile(const std::function<void(MemoryFileData&)>& visit);

  // Independent of this one.
  MemoryNameTree Clone() const;

 private:
  enum class Kind { kCreate, kRemove, kRename };
  struct Operation {
    uint64_t sequence;
    Kind kind;
    NodePtr node;  // what the name stands for
    NodePtr dir;
    std::string name;
    NodePtr to_dir;  // of kRename
    std::string to_name;
  };

  // The directory that holds `path`, and its name there.
  int FindParent(const std::string& path, NodePtr* dir, std::string* name) const;
  // Carries out an operation on the durable names, as far as it fits what is there.
  static void ApplyDurable(const Operation& operation, bool keep_former_name);
  std::vector<Operation> TakeUnsynced(const NodePtr& dir);
  // Calls `visit` once for each node that has, or after a power loss may have, a name.
  void VisitAll(const std::function<void(MemoryNode&)>& visit) const;
  void Settle();  // the durable names become the visible ones

  NodePtr root_;
  std::vector<Operation> unsynced_;  // by sequence
};

}  // namespace leat
