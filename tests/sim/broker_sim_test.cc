// The broker core, the real store and its clients in one simulated thread: produce, crash, recover, fetch.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/broker.h"
#include "gtest/gtest.h"
#include "tests/broker/test_client.h"
#include "tests/support/batch_factory.h"
#include "tests/support/loopback_transport.h"
#include "tests/support/memory_file_system.h"
#include "tests/support/seeded_random.h"
#include "tests/support/sim_runtime.h"

namespace leat {
namespace {

constexpr char kTopic[] = "t";
constexpr uint32_t kPartitions = 3;
constexpr int kProducers = 2;
constexpr int kBatchesPerProducer = 40;

// One life of a broker: from the opening of its data directory to its end.
class Life {
 public:
  Life(MemoryFileSystem& fs, uint64_t seed)
      : seed_(seed),
        runtime_(seed),
        lane_executor_(runtime_.NewExecutor("net-0")),
        client_executor_(runtime_.NewExecutor("client")) {
    BrokerOptions options;
    options.config.data_dir = "data";
    options.config.topic_defaults.segment_bytes = 4096;  // so that segments roll
    options.config.topic_defaults.batch_bytes_max = 4096;
    options.config.default_partitions = kPartitions;
    options.file_system = &fs;
    options.runtime = &runtime_;
    options.on_storage_failure = [](const absl::Status&) {};
    absl::StatusOr<std::unique_ptr<Broker>> broker = Broker::Open(std::move(options));
    EXPECT_TRUE(broker.ok()) << broker.status();
    if (!broker.ok()) return;
    broker_ = *std::move(broker);
    lane_ = &broker_->AddLane(*lane_executor_);
  }

  ~Life() {
    for (const auto& client : clients_) client->Close();
    if (broker_ != nullptr) {
      broker_->CloseConnections();
      runtime_.RunUntilIdle();
      broker_->StopWorkers();
    }
    lane_executor_->Stop();
    client_executor_->Stop();
    if (broker_ != nullptr) broker_->CloseLanes();
    clients_.clear();
    lane_executor_.reset();
    broker_.reset();
  }

  TestClient& Connect() {
    LoopbackOptions options;
    options.seed = seed_ + clients_.size();
    options.piece_bytes_max = 300;
    options.delay_max = absl::Microseconds(50);
    Loopback loopback = NewLoopback(*lane_executor_, *client_executor_, options);
    clients_.push_back(std::make_unique<TestClient>(loopback.right));
    TestClient& client = *clients_.back();
    client_executor_->Post([&client] { client.Start(); });
    lane_executor_->Post([this, left = loopback.left] { broker_->Accept(*lane_, left); });
    client.SendHello();
    return client;
  }

  SimRuntime& runtime() { return runtime_; }
  Broker& broker() { return *broker_; }
  bool ok() const { return broker_ != nullptr; }

 private:
  const uint64_t seed_;
  SimRuntime runtime_;
  std::unique_ptr<Executor> lane_executor_;
  std::unique_ptr<Executor> client_executor_;
  std::unique_ptr<Broker> broker_;
  Lane* lane_ = nullptr;
  std::vector<std::unique_ptr<TestClient>> clients_;
};

using Log = std::map<Offset, std::string>;  // value by offset
using Logs = std::map<uint32_t, Log>;       // by partition

struct Outcome {
  Logs acknowledged;
  Logs found;
  uint64_t trace = 0;
};

// Sends all batches at once; gives what was acknowledged as durable before the machine stopped.
Logs ProduceUntilCrash(Life& life, SeededRandom& random) {
  struct Sent {
    TestClient* client;
    uint64_t id;
    uint32_t partition;
    std::vector<std::string> values;
  };
  std::vector<Sent> sent;
  std::vector<TestClient*> producers;
  for (int i = 0; i < kProducers; ++i) producers.push_back(&life.Connect());
  for (int i = 0; i < kBatchesPerProducer * kProducers; ++i) {
    Sent next{producers[static_cast<size_t>(i % kProducers)],
              0,
              static_cast<uint32_t>(random.Below(kPartitions)),
              {}};
    const uint64_t records = 1 + random.Below(4);
    for (uint64_t r = 0; r < records; ++r) {
      next.values.push_back(absl::StrCat(i, ".", r, " ", std::string(random.Below(200), 'x')));
    }
    const std::string batch = MakeValueBatch(next.values);
    wire::RequestHeader request = Produce(kTopic, wire::ACK_DURABLE, {static_cast<uint32_t>(batch.size())});
    request.mutable_produce()->mutable_partitions(0)->set_partition(next.partition);
    next.id = next.client->Send(request, batch);
    sent.push_back(std::move(next));
  }
  life.runtime().RunFor(absl::Milliseconds(random.Between(0, 20)));
  Logs acknowledged;
  for (const Sent& one : sent) {
    const TestReply* reply = one.client->Find(one.id);
    if (reply == nullptr || reply->header.produce().results_size() == 0) continue;
    const wire::ProduceResult& result = reply->header.produce().results(0);
    if (result.error().code() != 0) continue;
    EXPECT_EQ(result.level(), wire::ACK_DURABLE);
    for (size_t r = 0; r < one.values.size(); ++r) {
      acknowledged[one.partition][result.base_offset() + static_cast<Offset>(r)] = one.values[r];
    }
  }
  return acknowledged;
}

Log FetchAll(Life& life, TestClient& client, uint32_t partition) {
  Log log;
  Offset next = 0;
  for (;;) {
    const uint64_t id = client.Send(Fetch(kTopic, partition, next, 0));
    for (int i = 0; i < 1000 && client.Find(id) == nullptr; ++i) life.runtime().RunFor(absl::Milliseconds(1));
    const TestReply* reply = client.Find(id);
    if (reply == nullptr || reply->payload.empty()) return log;
    const absl::StatusOr<std::vector<TestRecord>> records = DecodeBatches(reply->payload);
    EXPECT_TRUE(records.ok()) << records.status();
    if (!records.ok()) return log;
    for (const TestRecord& record : *records) {
      if (record.offset < next) continue;
      EXPECT_EQ(record.offset, next) << "a gap in partition " << partition;
      log[record.offset] = *record.value;
      next = record.offset + 1;
    }
  }
}

Outcome RunOnce(uint64_t seed) {
  MemoryFileSystem fs;
  SeededRandom random(seed);
  Outcome outcome;
  {
    Life life(fs, seed);
    if (!life.ok()) return outcome;
    // Sometimes the machine stops in the middle of an operation, sometimes between two.
    if (random.Below(4) != 0) fs.StopAtChange(fs.changes() + 1 + random.Below(400));
    outcome.acknowledged = ProduceUntilCrash(life, random);
    outcome.trace = life.runtime().trace_hash();
    fs.Crash(static_cast<CrashPolicy>(random.Below(4)), seed);
  }
  Life life(fs, seed + 1);
  if (!life.ok()) return outcome;
  TestClient& consumer = life.Connect();
  life.runtime().RunFor(absl::Milliseconds(1));
  if (life.broker().store().FindTopic(kTopic) != nullptr) {
    for (uint32_t partition = 0; partition < kPartitions; ++partition) {
      outcome.found[partition] = FetchAll(life, consumer, partition);
    }
  }
  outcome.trace ^= life.runtime().trace_hash() * 31;
  return outcome;
}

TEST(BrokerSimTest, EverythingAcknowledgedSurvivesEveryCrash) {
  size_t acknowledged = 0;
  size_t unacknowledged = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const Outcome outcome = RunOnce(seed);
    for (const auto& [partition, log] : outcome.acknowledged) {
      acknowledged += log.size();
      const auto found = outcome.found.find(partition);
      ASSERT_NE(found, outcome.found.end());
      for (const auto& [offset, value] : log) {
        const auto record = found->second.find(offset);
        ASSERT_NE(record, found->second.end()) << "partition " << partition << " lost offset " << offset;
        ASSERT_EQ(record->second, value) << "partition " << partition << " offset " << offset;
      }
    }
    for (const auto& [partition, log] : outcome.found) unacknowledged += log.size();
  }
  // The runs are worth something only if some batches made it and some did not.
  EXPECT_GT(acknowledged, 1000u);
  EXPECT_GT(unacknowledged, acknowledged);
}

TEST(BrokerSimTest, TheSameSeedGivesTheSameRun) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Outcome first = RunOnce(seed);
    const Outcome second = RunOnce(seed);
    EXPECT_EQ(first.trace, second.trace) << seed;
    EXPECT_EQ(first.acknowledged, second.acknowledged) << seed;
    EXPECT_EQ(first.found, second.found) << seed;
  }
  EXPECT_NE(RunOnce(1).trace, RunOnce(2).trace);
}

}  // namespace
}  // namespace leat
