#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/producer.h"
#include "protocol/record/mutex.h"
#include "storage/env/executor.h"
#include "tools/cli/output.h"

namespace leat {

// Follows records that were sent until they are acknowledged or have failed, in the order in which they were
// sent, on a thread of its own; prints a line for each acknowledgement if asked. Add, Dispatch and Finish:
// one thread.
class DeliveryQueue {
 public:
  struct Totals {
    uint64_t acknowledged = 0;
    uint64_t acknowledged_behind = 0;  // of them, those behind the first that failed
    uint64_t bytes = 0;                // keys and values that were acknowledged
    uint64_t failed = 0;
    absl::Status first_error;
    std::string first_place;  // where the first failed record came from: SOURCE:LINE
  };

  // Reports go to `report_to` (null: no reports), which nobody else uses until Finish.
  explicit DeliveryQueue(Output* report_to);
  ~DeliveryQueue();

  // `line` is where in its input the record stands, `bytes` what counts for Totals::bytes.
  void Add(Future<Producer::Delivery> delivery, uint64_t line, size_t bytes);
  // The input that the following records come from.
  void SetSource(std::string name);
  // Hands over what was added; before the caller waits for something else. Blocks while too much is under
  // way.
  void Dispatch();

  // Waits for everything that was added.
  Totals Finish();

  // True after the first failure. Any thread.
  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  uint64_t acknowledged() const { return acknowledged_.load(std::memory_order_relaxed); }

 private:
  struct Item {
    Future<Producer::Delivery> delivery;
    uint64_t line = 0;
    size_t bytes = 0;
  };
  struct Chunk {
    std::string source;
    std::vector<Item> items;
  };

  void Await(Chunk chunk);
  void Settle(const Chunk& chunk, const Item& item, const Producer::Delivery& delivery);

  Output* report_to_;
  std::string source_;
  std::vector<Item> gathered_;
  std::atomic<bool> failed_{false};
  std::atomic<uint64_t> acknowledged_{0};
  Mutex mutex_;
  CondVar settled_;
  size_t under_way_ ABSL_GUARDED_BY(mutex_) = 0;
  Totals totals_;  // of the executor, and after Finish of the caller
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Executor> executor_;
};

// "5 records are acknowledged, FILE:6 is the first that is not" for totals with failures.
std::string DescribeTotals(const DeliveryQueue::Totals& totals);

}  // namespace leat
