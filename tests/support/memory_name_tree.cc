#include "tests/support/memory_name_tree.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/strings/str_split.h"

namespace leat {
namespace {

constexpr double kBothNames = 0.125;  // how often a file that was being renamed keeps its former name too

std::vector<std::string> Components(const std::string& path) {
  std::vector<std::string> names;
  for (const absl::string_view name : absl::StrSplit(path, '/', absl::SkipEmpty())) {
    if (name != ".") names.emplace_back(name);
  }
  return names;
}

NodePtr NewNode(bool is_directory) {
  auto node = std::make_shared<MemoryNode>();
  node->is_directory = is_directory;
  return node;
}

NodePtr Child(const std::map<std::string, NodePtr>& names, const std::string& name) {
  const auto entry = names.find(name);
  return entry == names.end() ? nullptr : entry->second;
}

// True when `node` is `ancestor` or lies below it.
bool IsBelow(const MemoryNode& ancestor, const NodePtr& node) {
  if (&ancestor == node.get()) return true;
  return std::any_of(ancestor.live.begin(), ancestor.live.end(),
                     [&](const auto& entry) { return IsBelow(*entry.second, node); });
}

// Calls `visit` once for each node that has a name, visible or durable.
void Visit(const NodePtr& node, std::set<const MemoryNode*>& seen,
           const std::function<void(MemoryNode&)>& visit) {
  if (!seen.insert(node.get()).second) return;
  visit(*node);
  for (const auto& [name, child] : node->live) Visit(child, seen, visit);
  for (const auto& [name, child] : node->durable) Visit(child, seen, visit);
}

using Place = std::pair<const MemoryNode*, std::string>;  // a name in a directory

}  // namespace

MemoryNameTree::MemoryNameTree() : root_(NewNode(true)) {}

int MemoryNameTree::Find(const std::string& path, NodePtr* node) const {
  *node = root_;
  for (const std::string& name : Components(path)) {
    if (!(*node)->is_directory) return ENOTDIR;
    *node = Child((*node)->live, name);
    if (*node == nullptr) return ENOENT;
  }
  return 0;
}

int MemoryNameTree::FindParent(const std::string& path, NodePtr* dir, std::string* name) const {
  std::vector<std::string> names = Components(path);
  if (names.empty()) return EBUSY;  // the root
  *name = std::move(names.back());
  names.pop_back();
  *dir = root_;
  for (const std::string& step : names) {
    *dir = Child((*dir)->live, step);
    if (*dir == nullptr) return ENOENT;
    if (!(*dir)->is_directory) return ENOTDIR;
  }
  return 0;
}

int MemoryNameTree::Create(uint64_t sequence, const std::string& path, bool is_directory, NodePtr* node) {
  NodePtr dir;
  std::string name;
  if (const int error = FindParent(path, &dir, &name); error != 0) return error == EBUSY ? EEXIST : error;
  const auto [entry, is_new] = dir->live.try_emplace(name);
  if (!is_new) return EEXIST;
  *node = entry->second = NewNode(is_directory);
  unsynced_.push_back({sequence, Kind::kCreate, *node, dir, name, nullptr, ""});
  return 0;
}

int MemoryNameTree::Rename(uint64_t sequence, const std::string& from, const std::string& to,
                           NodePtr* replaced) {
  NodePtr dir, to_dir;
  std::string name, to_name;
  if (const int error = FindParent(from, &dir, &name); error != 0) return error;
  if (const int error = FindParent(to, &to_dir, &to_name); error != 0) return error;
  const NodePtr node = Child(dir->live, name);
  if (node == nullptr) return ENOENT;
  const NodePtr target = Child(to_dir->live, to_name);
  if (node->is_directory) {
    if (target != nullptr) return EEXIST;
    if (IsBelow(*node, to_dir)) return EINVAL;
  } else if (target != nullptr) {
    if (target == node) return 0;
    if (target->is_directory) return EISDIR;
    --target->names;
    *replaced = target;
  }
  dir->live.erase(name);
  to_dir->live[to_name] = node;
  unsynced_.push_back({sequence, Kind::kRename, node, dir, name, to_dir, to_name});
  return 0;
}

int MemoryNameTree::Remove(uint64_t sequence, const std::string& path, NodePtr* removed) {
  NodePtr dir;
  std::string name;
  if (const int error = FindParent(path, &dir, &name); error != 0) return error;
  *removed = Child(dir->live, name);
  if (*removed == nullptr) return ENOENT;
  if (!(*removed)->live.empty()) return ENOTEMPTY;
  --(*removed)->names;
  dir->live.erase(name);
  unsynced_.push_back({sequence, Kind::kRemove, *removed, dir, name, nullptr, ""});
  return 0;
}

void MemoryNameTree::ApplyDurable(const Operation& operation, bool keep_former_name) {
  const bool fits = Child(operation.dir->durable, operation.name) == operation.node;
  switch (operation.kind) {
    case Kind::kCreate:
      operation.dir->durable[operation.name] = operation.node;
      return;
    case Kind::kRemove:
      if (fits) operation.dir->durable.erase(operation.name);
      return;
    case Kind::kRename:
      if (!fits) return;
      if (!keep_former_name) operation.dir->durable.erase(operation.name);
      operation.to_dir->durable[operation.to_name] = operation.node;
      return;
  }
}

// What a sync of `dir` covers: operations on its names and, where one of them is a rename, what came before
// in the places that it links. The rest stays unsynced.
std::vector<MemoryNameTree::Operation> MemoryNameTree::TakeUnsynced(const NodePtr& dir) {
  std::vector<Operation> taken, left;
  std::set<Place> linked;
  for (auto it = unsynced_.rbegin(); it != unsynced_.rend(); ++it) {
    const Place place(it->dir.get(), it->name), to_place(it->to_dir.get(), it->to_name);
    const bool covered =
        it->dir == dir || it->to_dir == dir || linked.count(place) > 0 || linked.count(to_place) > 0;
    if (covered && it->kind == Kind::kRename) linked.insert({place, to_place});
    (covered ? taken : left).push_back(std::move(*it));
  }
  std::reverse(left.begin(), left.end());
  std::reverse(taken.begin(), taken.end());
  unsynced_ = std::move(left);
  return taken;
}

void MemoryNameTree::VisitAll(const std::function<void(MemoryNode&)>& visit) const {
  std::set<const MemoryNode*> seen;
  Visit(root_, seen, visit);
  for (const Operation& operation : unsynced_) Visit(operation.node, seen, visit);
}

void MemoryNameTree::SyncDir(const NodePtr& dir) {
  for (const Operation& operation : TakeUnsynced(dir)) ApplyDurable(operation, false);
}

void MemoryNameTree::ListUnsynced(std::vector<uint64_t>& sequences) const {
  for (const Operation& operation : unsynced_) sequences.push_back(operation.sequence);
  VisitAll([&](MemoryNode& node) { node.data.ListUnsynced(sequences); });
}

void MemoryNameTree::LoseUnsynced() {
  VisitAll([](MemoryNode& node) { node.data.LoseUnsynced(); });
  Settle();
}

void MemoryNameTree::KeepPrefix(uint64_t torn, SeededRandom& random) {
  VisitAll([&](MemoryNode& node) { node.data.KeepPrefix(torn, random); });
  for (const Operation& operation : unsynced_) {
    if (operation.sequence >= torn) break;
    ApplyDurable(operation, false);
  }
  Settle();
}

void MemoryNameTree::KeepSubset(double survival, SeededRandom& random) {
  VisitAll([&](MemoryNode& node) { node.data.KeepSubset(survival, random); });
  for (const Operation& operation : unsynced_) {
    if (!random.Chance(survival)) continue;
    ApplyDurable(operation, !operation.node->is_directory && random.Chance(kBothNames));
  }
  Settle();
}

void MemoryNameTree::Settle() {
  unsynced_.clear();
  VisitAll([](MemoryNode& node) {
    node.live = node.durable;
    node.names = 0;
  });
  VisitAll([](MemoryNode& node) {
    for (const auto& [name, child] : node.live) ++child->names;
  });
}

void MemoryNameTree::ForEachFile(const std::function<void(MemoryFileData&)>& visit) {
  VisitAll([&](MemoryNode& node) {
    if (!node.is_directory && node.names > 0) visit(node.data);
  });
}

MemoryNameTree MemoryNameTree::Clone() const {
  std::map<const MemoryNode*, NodePtr> copies;
  const std::function<NodePtr(const NodePtr&)> copy = [&](const NodePtr& node) -> NodePtr {
    if (node == nullptr) return nullptr;
    const auto [entry, is_new] = copies.try_emplace(node.get());
    if (!is_new) return entry->second;
    const NodePtr twin = entry->second = std::make_shared<MemoryNode>(*node);
    for (auto& [name, child] : twin->live) child = copy(child);
    for (auto& [name, child] : twin->durable) child = copy(child);
    return twin;
  };
  MemoryNameTree clone;
  clone.root_ = copy(root_);
  clone.unsynced_ = unsynced_;
  for (Operation& operation : clone.unsynced_) {
    operation.node = copy(operation.node);
    operation.dir = copy(operation.dir);
    operation.to_dir = copy(operation.to_dir);
  }
  return clone;
}

}  // namespace leat
