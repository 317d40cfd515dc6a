#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/storage/store_harness.h"

namespace leat {

// What a store must and may hold after a crash, from what it was asked to do and what it answered. Everything
// that was answered with OK, or told to the listener as durable, must be there; what was under way may be.
class StoreModel {
 public:
  // These carry out one operation and note it. False when it failed: the disk has stopped, and the run is
  // over.
  bool Create(SimStore& sim, const TopicSpec& spec);
  bool Alter(SimStore& sim, const std::string& name, const TopicChange& change);
  bool Delete(SimStore& sim, const std::string& name);
  bool Append(SimStore& sim, const std::string& topic, uint32_t partition,
              const std::vector<std::string>& values);

  // Takes over what the listener has heard. Once, at the end of a life.
  void NoteDurable(const RecordingListener& listener);

  // Compares with a store that has been opened after a crash, and takes over what was under way and is there.
  testing::AssertionResult CheckAndAdopt(SimStore& sim, FileSystem& fs);

  const std::set<std::string> topics() const;
  uint32_t PartitionCount(const std::string& topic) const { return topics_.at(topic).partitions; }

 private:
  struct PartitionModel {
    std::vector<std::string> values;  // every value that was tried, in order
    size_t durable = 0;               // so many of them must be there
  };
  struct TopicModel {
    uint32_t partitions = 0;
    std::map<uint64_t, PartitionModel> logs;  // by partition id
    std::vector<uint64_t> ids;                // by partition number
  };

  testing::AssertionResult CheckTopic(SimStore& sim, const std::string& name, TopicModel& topic);
  static testing::AssertionResult CheckDirectories(SimStore& sim, FileSystem& fs);

  std::map<std::string, TopicModel> topics_;
  // The operation that failed, if any.
  std::string creating_;
  uint32_t creating_partitions_ = 0;
  std::string altering_;
  uint32_t altering_partitions_ = 0;
  std::string deleting_;
};

}  // namespace leat
