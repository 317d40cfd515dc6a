#include "tests/sim/store_model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace leat {
namespace {

using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

std::vector<uint64_t> IdsOf(const Topic& topic) {
  std::vector<uint64_t> ids;
  for (const auto& log : topic.partitions) ids.push_back(log->id());
  return ids;
}

}  // namespace

bool StoreModel::Create(SimStore& sim, const TopicSpec& spec) {
  const absl::StatusOr<TopicPtr> topic = sim.store().CreateTopic(spec);
  if (!topic.ok()) {
    creating_ = spec.name;
    creating_partitions_ = spec.partition_count;
    return false;
  }
  TopicModel& model = topics_[spec.name];
  model.partitions = spec.partition_count;
  model.ids = IdsOf(**topic);
  for (uint64_t id : model.ids) model.logs[id];
  return true;
}

bool StoreModel::Alter(SimStore& sim, const std::string& name, const TopicChange& change) {
  const absl::StatusOr<TopicPtr> topic = sim.store().AlterTopic(name, change);
  if (!topic.ok()) {
    altering_ = name;
    altering_partitions_ = change.partition_count;
    return false;
  }
  TopicModel& model = topics_[name];
  model.partitions = std::max(model.partitions, change.partition_count);
  model.ids = IdsOf(**topic);
  for (uint64_t id : model.ids) model.logs[id];
  return true;
}

bool StoreModel::Delete(SimStore& sim, const std::string& name) {
  if (!sim.store().DeleteTopic(name).ok()) {
    deleting_ = name;
    return false;
  }
  topics_.erase(name);
  return true;
}

bool StoreModel::Append(SimStore& sim, const std::string& topic, uint32_t partition,
                        const std::vector<std::string>& values) {
  TopicModel& model = topics_.at(topic);
  PartitionModel& log = model.logs.at(model.ids.at(partition));
  // It may be there even if the answer is an error.
  log.values.insert(log.values.end(), values.begin(), values.end());
  return sim.Append(topic, partition, values).ok();
}

void StoreModel::NoteDurable(const RecordingListener& listener) {
  for (auto& [name, topic] : topics_) {
    for (auto& [id, log] : topic.logs) {
      log.durable = std::max(log.durable, static_cast<size_t>(listener.Durable(id)));
    }
  }
}

const std::set<std::string> StoreModel::topics() const {
  std::set<std::string> names;
  for (const auto& [name, topic] : topics_) names.insert(name);
  return names;
}

AssertionResult StoreModel::CheckAndAdopt(SimStore& sim, FileSystem& fs) {
  const std::string deleting = std::exchange(deleting_, {});
  if (!deleting.empty() && sim.store().FindTopic(deleting) == nullptr) topics_.erase(deleting);
  const std::string creating = std::exchange(creating_, {});
  if (!creating.empty() && !topics_.contains(creating)) {
    if (const TopicPtr topic = sim.store().FindTopic(creating)) {
      TopicModel& model = topics_[creating];
      model.partitions = creating_partitions_;
      model.ids = IdsOf(*topic);
      for (uint64_t id : model.ids) model.logs[id];
    }
  }
  std::set<std::string> found;
  for (const TopicPtr& topic : sim.store().Topics()) found.insert(topic->name);
  if (found != topics()) {
    return AssertionFailure() << "topics are " << testing::PrintToString(found) << ", not "
                              << testing::PrintToString(topics());
  }
  for (auto& [name, topic] : topics_) {
    if (AssertionResult result = CheckTopic(sim, name, topic); !result) return result;
  }
  altering_.clear();
  if (sim.store().recovery().partitions_fenced > 0) return AssertionFailure() << "a partition is fenced";
  return CheckDirectories(sim, fs);
}

AssertionResult StoreModel::CheckTopic(SimStore& sim, const std::string& name, TopicModel& topic) {
  const TopicPtr found = sim.store().FindTopic(name);
  const auto count = static_cast<uint32_t>(found->partitions.size());
  const bool altered = name == altering_ && count == altering_partitions_;
  if (count != topic.partitions && !altered) {
    return AssertionFailure() << name << " has " << count << " partitions, not " << topic.partitions;
  }
  topic.partitions = count;
  topic.ids = IdsOf(*found);
  for (uint32_t partition = 0; partition < count; ++partition) {
    PartitionModel& model = topic.logs[topic.ids[partition]];
    const auto values = sim.ReadAll(name, partition);
    if (!values.ok()) return AssertionFailure() << name << "-" << partition << ": " << values.status();
    if (values->size() < model.durable) {
      return AssertionFailure() << name << "-" << partition << ": " << model.durable << " were durable, "
                                << values->size() << " are left";
    }
    if (values->size() > model.values.size() ||
        !std::equal(values->begin(), values->end(), model.values.begin())) {
      return AssertionFailure() << name << "-" << partition << " holds what was not appended so";
    }
    // What was read once stays.
    model.values = *values;
    model.durable = values->size();
    const OffsetMarks marks = found->partitions[partition]->marks();
    if (marks.synced != marks.end)
      return AssertionFailure() << name << "-" << partition << ": not all is synced";
  }
  return AssertionSuccess();
}

AssertionResult StoreModel::CheckDirectories(SimStore& sim, FileSystem& fs) {
  sim.runtime().RunUntilIdle();
  std::set<std::string> wanted;
  for (const TopicPtr& topic : sim.store().Topics()) {
    for (const auto& log : topic->partitions) wanted.insert(absl::StrCat(topic->name, "-", log->partition()));
  }
  const auto topics = fs.List(absl::StrCat(kStoreDir, "/topics"));
  const auto deleted = fs.List(absl::StrCat(kStoreDir, "/deleted"));
  const auto kept = fs.Exists(absl::StrCat(kStoreDir, "/kept"));
  if (!topics.ok() || !deleted.ok() || !kept.ok())
    return AssertionFailure() << "the directories cannot be read";
  std::set<std::string> found;
  for (const DirEntry& entry : *topics) found.insert(entry.name);
  if (found != wanted) {
    return AssertionFailure() << "topics/ holds " << testing::PrintToString(found) << ", not "
                              << testing::PrintToString(wanted);
  }
  if (!deleted->empty()) return AssertionFailure() << "deleted/ still holds " << deleted->front().name;
  if (*kept) return AssertionFailure() << "kept/ is there";
  return AssertionSuccess();
}

}  // namespace leat
