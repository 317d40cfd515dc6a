#include "broker/broker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/log.h"
#include "broker/session.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

StoreOptions StoreOptionsOf(const Config& config) {
  StoreOptions options;
  options.data_dir = config.data_dir;
  options.open_files_max = static_cast<size_t>(config.open_files_max);
  options.topics_max = static_cast<uint32_t>(config.topics_max);
  options.partitions_max = static_cast<uint32_t>(config.partitions_max);
  options.partitions_per_topic_max = static_cast<uint32_t>(config.partitions_per_topic_max);
  options.checkpoint_interval = absl::Milliseconds(config.checkpoint_interval_ms);
  options.commit_mode = config.commit_mode == "direct"    ? CommitMode::kDirect
                        : config.commit_mode == "journal" ? CommitMode::kJournal
                                                          : CommitMode::kAuto;
  options.journal_dir = config.journal_dir;
  options.journal_bytes_max = static_cast<uint64_t>(config.journal_bytes_max);
  // So that about a quarter of it is there to be written while the segments follow.
  options.journal_file_bytes = std::min<uint64_t>(options.journal_bytes_max / 4, 16 << 20);
  options.topic_defaults = config.topic_defaults;
  return options;
}

}  // namespace

Broker::Broker(BrokerOptions options)
    : config_(std::move(options.config)),
      clock_(options.runtime->clock()),
      started_at_(clock_.Monotonic()),
      memory_(config_.memory_bytes_max),
      on_storage_failure_(std::move(options.on_storage_failure)),
      all_closed_(options.runtime->NewEvent()),
      admin_(options.runtime->NewExecutor("admin")),
      io_(options.runtime->NewExecutor("io")) {}

Broker::~Broker() {
  StopWorkers();
  CloseLanes();
}

absl::StatusOr<std::unique_ptr<Broker>> Broker::Open(BrokerOptions options) {
  const StoreOptions store_options = StoreOptionsOf(options.config);
  FileSystem& file_system = *options.file_system;
  Runtime& runtime = *options.runtime;
  return Open(std::move(options), [&](StoreListener& listener) {
    return LogStore::Open(store_options, file_system, runtime, listener);
  });
}

absl::StatusOr<std::unique_ptr<Broker>> Broker::Open(BrokerOptions options, StoreFactory open_store) {
  std::unique_ptr<Broker> broker(new Broker(std::move(options)));
  absl::StatusOr<std::unique_ptr<LogStore>> store = std::move(open_store)(*broker);
  if (!store.ok()) return store.status();
  broker->store_ = *std::move(store);
  return broker;
}

Lane& Broker::AddLane(Executor& executor) {
  MutexLock lock(mutex_);
  lanes_.push_back(std::make_unique<Lane>(executor, clock_, metrics_));
  return *lanes_.back();
}

// Lanes are only ever added, so the pointers stay good without the lock.
absl::InlinedVector<Lane*, 4> Broker::lanes() {
  MutexLock lock(mutex_);
  absl::InlinedVector<Lane*, 4> lanes;
  for (const std::unique_ptr<Lane>& lane : lanes_) lanes.push_back(lane.get());
  return lanes;
}

void Broker::Accept(Lane& lane, std::shared_ptr<Transport> transport) {
  auto session = std::make_shared<Session>(*this, lane, std::move(transport));
  if (draining()) {
    return session->Refuse(MakeError(ErrorCode::kShuttingDown, "the broker is stopping; try again later"));
  }
  if (metrics_.connections_open.value() >= config_.connections_max) {
    metrics_.connections_refused.Add();
    return session->Refuse(
        MakeError(ErrorCode::kLimitExceeded,
                  absl::StrCat("connections_max (", config_.connections_max,
                               ") is reached; close connections that are not needed or raise the limit")));
  }
  metrics_.connections_accepted.Add();
  session->Start();
}

void Broker::CheckAllClosed() {
  if (draining() && metrics_.connections_open.value() == 0) all_closed_->Set();
}

void Broker::OnSessionClosed() {
  MutexLock lock(mutex_);
  CheckAllClosed();
}

bool Broker::WaitForConnections(absl::Duration timeout) { return all_closed_->Wait(timeout); }

void Broker::BeginDrain() {
  {
    MutexLock lock(mutex_);
    draining_.store(true);
    CheckAllClosed();
  }
  for (Lane* lane : lanes()) {
    lane->executor().Post([lane] {
      for (const std::shared_ptr<Session>& session : lane->Sessions()) session->BeginDrain();
    });
  }
}

void Broker::CloseConnections() {
  for (Lane* lane : lanes()) {
    lane->executor().Post([lane] {
      for (const std::shared_ptr<Session>& session : lane->Sessions()) {
        session->CloseNow(MakeError(ErrorCode::kShuttingDown, "the broker has stopped"));
      }
    });
  }
}

void Broker::StopWorkers() {
  stopping_.store(true);
  admin_->Stop();
  io_->Stop();
}

absl::Status Broker::Close() { return store_->Close(); }

void Broker::CloseLanes() {
  for (Lane* lane : lanes()) lane->Close();
}

void Broker::OnAppended(const PartitionLog& log) {
  for (Lane* lane : lanes()) lane->OnAppended(log.id());
}

void Broker::OnCommitted(absl::Span<const CommitOutcome> outcomes) {
  const auto group = std::make_shared<const std::vector<CommitOutcome>>(outcomes.begin(), outcomes.end());
  for (Lane* lane : lanes()) lane->OnCommitted(group);
}

void Broker::OnStorageFailure(const absl::Status& cause) {
  if (storage_failed_.exchange(true)) return;
  Log(LogLevel::kError, absl::StrCat("storage failure, nothing is acknowledged any more: ", cause.message()));
  for (Lane* lane : lanes()) lane->OnStorageFailure(cause);
  if (on_storage_failure_) on_storage_failure_(cause);
}

std::vector<MetricValue> Broker::CollectMetrics() {
  MetricSources sources{config_, store_->stats(), 0, 0, memory_.used(), uptime()};
  for (const TopicPtr& topic : store_->Topics()) {
    ++sources.topics;
    sources.partitions += topic->partitions.size();
  }
  return leat::CollectMetrics(metrics_, sources);
}

void FillLimits(const Config& config, wire::Limits* limits) {
  limits->set_frame_bytes_max(static_cast<uint64_t>(config.frame_bytes_max));
  limits->set_batch_bytes_max(static_cast<uint64_t>(config.topic_defaults.batch_bytes_max));
  limits->set_connection_bytes_in_flight_max(static_cast<uint64_t>(config.connection_bytes_in_flight_max));
  limits->set_fetch_bytes_max(static_cast<uint64_t>(config.fetch_bytes_max));
  limits->set_fetch_wait_ms_max(static_cast<uint64_t>(config.fetch_wait_ms_max));
  limits->set_idle_ms_max(static_cast<uint64_t>(config.idle_ms_max));
  limits->set_partitions_per_request_max(static_cast<uint32_t>(config.partitions_per_request_max));
  limits->set_partitions_per_topic_max(static_cast<uint32_t>(config.partitions_per_topic_max));
}

}  // namespace leat
