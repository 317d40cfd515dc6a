#include "storage/topic_table.h"

#include <algorithm>
#include <utility>

namespace leat {

TopicPtr TopicTable::Find(absl::string_view name) const {
  MutexLock lock(mutex_);
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.topic;
}

std::vector<TopicPtr> TopicTable::All() const {
  std::vector<TopicPtr> all;
  {
    MutexLock lock(mutex_);
    all.reserve(topics_.size());
    for (const auto& [name, entry] : topics_) all.push_back(entry.topic);
  }
  std::sort(all.begin(), all.end(), [](const TopicPtr& a, const TopicPtr& b) { return a->name < b->name; });
  return all;
}

LogList TopicTable::Logs() const {
  LogList all;
  MutexLock lock(mutex_);
  for (const auto& [name, entry] : topics_) all.insert(all.end(), entry.logs.begin(), entry.logs.end());
  return all;
}

LogList TopicTable::LogsOf(absl::string_view name) const {
  MutexLock lock(mutex_);
  const auto found = topics_.find(name);
  return found == topics_.end() ? LogList() : found->second.logs;
}

void TopicTable::Put(TopicPtr topic, LogList logs) {
  MutexLock lock(mutex_);
  Entry& entry = topics_[topic->name];
  // What was there dies with the arguments, after the lock is gone.
  entry.topic.swap(topic);
  entry.logs.swap(logs);
}

void TopicTable::Remove(absl::string_view name) {
  Entry removed;
  MutexLock lock(mutex_);
  const auto found = topics_.find(name);
  if (found == topics_.end()) return;
  removed = std::move(found->second);
  topics_.erase(found);
}

}  // namespace leat
