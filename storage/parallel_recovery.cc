#include "storage/parallel_recovery.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace leat {
namespace {

constexpr size_t kWorkersMax = 16;
constexpr size_t kPartitionsPerWorker = 8;

class Recovery {
 public:
  Recovery(FileSystem& fs, absl::Span<const RecoveryInput> inputs)
      : fs_(fs), inputs_(inputs), results_(inputs.size(), absl::UnknownError("not looked at")) {}

  // Takes inputs until none is left or one has failed. Any number of threads.
  void Work() {
    for (size_t i = next_.fetch_add(1); i < inputs_.size() && !failed_; i = next_.fetch_add(1)) {
      results_[i] = RecoverPartition(fs_, inputs_[i]);
      if (!results_[i].ok()) failed_ = true;
    }
  }

  absl::StatusOr<std::vector<RecoveredPartition>> Take() && {
    // Inputs are taken in order, so that a failed one comes before those that nobody looked at.
    std::vector<RecoveredPartition> recovered;
    recovered.reserve(results_.size());
    for (absl::StatusOr<RecoveredPartition>& result : results_) {
      if (!result.ok()) return result.status();
      recovered.push_back(*std::move(result));
    }
    return recovered;
  }

 private:
  FileSystem& fs_;
  const absl::Span<const RecoveryInput> inputs_;
  std::vector<absl::StatusOr<RecoveredPartition>> results_;  // each written by the one thread that took it
  std::atomic<size_t> next_{0};
  std::atomic<bool> failed_{false};
};

}  // namespace

absl::StatusOr<std::vector<RecoveredPartition>> RecoverPartitions(FileSystem& fs, Runtime& runtime,
                                                                  absl::Span<const RecoveryInput> inputs) {
  Recovery recovery(fs, inputs);
  const size_t workers = std::min(kWorkersMax, inputs.size() / kPartitionsPerWorker);
  if (workers < 2) {
    recovery.Work();
    return std::move(recovery).Take();
  }
  std::atomic<size_t> working{workers};
  const std::unique_ptr<Event> done = runtime.NewEvent();
  std::vector<std::unique_ptr<Executor>> executors;
  for (size_t i = 0; i < workers; ++i) {
    executors.push_back(runtime.NewExecutor(absl::StrCat("leat-recover-", i)));
    executors.back()->Post([&] {
      recovery.Work();
      if (working.fetch_sub(1) == 1) done->Set();
    });
  }
  done->Wait();
  for (const auto& executor : executors) executor->Stop();
  return std::move(recovery).Take();
}

}  // namespace leat
