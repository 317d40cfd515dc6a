#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/config.h"
#include "broker/lane.h"
#include "broker/memory_budget.h"
#include "broker/metrics.h"
#include "protocol/record/mutex.h"
#include "protocol/wire/leat.pb.h"
#include "protocol/wire/transport.h"
#include "storage/env/executor.h"
#include "storage/env/file_system.h"
#include "storage/log_store.h"

namespace leat {

struct BrokerOptions {
  Config config;
  FileSystem* file_system = nullptr;  // with `runtime`: outlive the broker
  Runtime* runtime = nullptr;
  // Called once when a sync has failed and nothing can be acknowledged any more; any thread, must not block.
  absl::AnyInvocable<void(const absl::Status&)> on_storage_failure;
};

// The broker without network threads: what all connections share. Knows neither sockets nor threads, so the
// simulator runs it as it is.
class Broker final : private StoreListener {
 public:
  // Opens the data directory, with the errors of LogStore::Open.
  static absl::StatusOr<std::unique_ptr<Broker>> Open(BrokerOptions options);
  // With a store that is already open, for tests.
  using StoreFactory = absl::AnyInvocable<absl::StatusOr<std::unique_ptr<LogStore>>(StoreListener&) &&>;
  static absl::StatusOr<std::unique_ptr<Broker>> Open(BrokerOptions options, StoreFactory open_store);
  // After the steps below.
  ~Broker() override;

  // A lane over `executor`, which is stopped before the broker goes. Any thread.
  Lane& AddLane(Executor& executor);

  // Serves a connection on `lane`, or refuses it with the limit's name. On the lane's executor.
  void Accept(Lane& lane, std::shared_ptr<Transport> transport);

  // On every lane: in-flight requests are answered, then connections close. Any thread, returns at once.
  void BeginDrain();
  // After BeginDrain: false when connections are left after `timeout`. Not on a lane's executor.
  bool WaitForConnections(absl::Duration timeout);
  // Ends the connections that are left. Any thread, returns at once.
  void CloseConnections();
  // The end, in this order: StopWorkers; Close for a clean one; the executors of the lanes stop; CloseLanes;
  // these executors go, and with them what their tasks held; the broker goes, and with it the store.

  // Stops the admin and io executors: no more work of theirs reaches store and lanes.
  void StopWorkers();
  // Commits everything and closes the store. Without it the directory is left as a crash would leave it.
  [[nodiscard]] absl::Status Close();
  // Lets go of sessions, waiters and logs. Lanes take no news from then on.
  void CloseLanes();

  const Config& config() const { return config_; }
  LogStore& store() { return *store_; }
  Metrics& metrics() { return metrics_; }
  MemoryBudget& memory() { return memory_; }
  Clock& clock() { return clock_; }
  // Blocking work: changes of topics, and scans.
  Executor& admin() { return *admin_; }
  Executor& io() { return *io_; }
  bool draining() const { return draining_.load(); }
  bool stopping() const { return stopping_.load(); }  // StopWorkers was called
  absl::Duration uptime() const { return clock_.Monotonic() - started_at_; }

  // Records of the partition became visible by an append alone. Any thread.
  void OnAppended(const PartitionLog& log);
  // A session no longer counts.
  void OnSessionClosed();
  std::vector<MetricValue> CollectMetrics();

 private:
  explicit Broker(BrokerOptions options);
  void OnCommitted(absl::Span<const CommitOutcome> outcomes) override;
  void OnStorageFailure(const absl::Status& cause) override;
  absl::InlinedVector<Lane*, 4> lanes();
  void CheckAllClosed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Config config_;
  Clock& clock_;
  const absl::Duration started_at_;
  Metrics metrics_;
  MemoryBudget memory_;
  absl::AnyInvocable<void(const absl::Status&)> on_storage_failure_;
  std::atomic<bool> storage_failed_{false};
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopping_{false};

  const std::unique_ptr<Event> all_closed_;

  Mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_ ABSL_GUARDED_BY(mutex_);

  std::unique_ptr<Executor> admin_;
  std::unique_ptr<Executor> io_;
  std::unique_ptr<LogStore> store_;  // last: its threads call the above
};

// What clients are told in Hello and ServerInfo.
void FillLimits(const Config& config, wire::Limits* limits);

}  // namespace leat
