#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "protocol/record/batch.h"
#include "protocol/record/error.h"
#include "protocol/record/mutex.h"
#include "protocol/wire/leat.pb.h"

namespace leat {

// What the fake broker does with one request.
struct FakeAction {
  enum Kind {
    kServe,        // as a broker would
    kRefuse,       // the request as a whole fails with `code`
    kIgnore,       // never answered, not carried out
    kServeSilent,  // carried out, never answered
    kCut,          // the connection is closed, nothing is carried out
    kServeAndCut,  // carried out, and the connection is closed instead of answering
    kGarbage,      // answered with bytes that are no frame
    kHold,         // carried out, answered when Release is called
    kNoSpace,      // of Metadata: DISK_FULL as the error of each topic
  };
  Kind kind = kServe;
  ErrorCode code = ErrorCode::kNone;
};

// A broker over real loopback sockets with its records in memory, whose misbehaviour the test scripts. A
// thread per connection. All calls from any thread; set the scripts before the client is made.
class FakeBroker {
 public:
  FakeBroker();
  ~FakeBroker();

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  // Closes all connections and the port; Start opens the same port again. Records stay.
  void Stop();
  void Start();
  // Closes all connections; the port stays open.
  void CutConnections();

  // Decides over each request. Default: serve.
  void SetScript(std::function<FakeAction(const wire::RequestHeader&)> script);
  // Decides over each entry of a produce request that is served; kNone: append.
  void SetPartitionScript(std::function<ErrorCode(const wire::ProducePartition&)> script);
  // Answers what was held, the latest first.
  void Release();

  void CreateTopic(const std::string& name, uint32_t partitions);
  // Appends a batch made elsewhere; its base offset is stamped.
  void Append(const std::string& topic, uint32_t partition, std::string batch);
  // The same, but with a base offset that is wrong.
  void AppendMisplaced(const std::string& topic, uint32_t partition, std::string batch, Offset base_offset);
  // As if everything below had been deleted.
  void SetLogStart(const std::string& topic, uint32_t partition, Offset offset);
  void SetDataId(std::string data_id);
  void SetLimits(const wire::Limits& limits);

  // Everything a partition holds.
  std::string Log(const std::string& topic, uint32_t partition);
  // The values of its records.
  std::vector<std::string> Values(const std::string& topic, uint32_t partition);
  // Every batch that arrived for a partition, refused ones included, as it arrived.
  std::vector<std::string> Arrived(const std::string& topic, uint32_t partition);
  // Requests of a kind so far.
  int Count(wire::RequestHeader::RequestCase kind);
  // Blocks until there were `count`; false after ten seconds.
  bool AwaitCount(wire::RequestHeader::RequestCase kind, int count);
  int held();
  wire::FetchRequest latest_fetch();

 private:
  struct Partition {
    std::vector<std::pair<Offset, std::string>> batches;
    std::vector<std::string> arrived;
    Offset log_start = 0;
    Offset end = 0;
  };
  struct Connection;
  struct Reply {
    wire::ResponseHeader header;
    std::string payload;
  };
  static constexpr int kPageEntries = 2;  // of lists of topics and partitions
  using Topics = std::map<std::string, std::vector<Partition>>;

  void AcceptLoop(int listener);
  void ReadLoop(const std::shared_ptr<Connection>& connection);
  bool OnFrame(const std::shared_ptr<Connection>& connection, absl::string_view header,
               absl::string_view payload);
  bool TooMany(int entries);
  Reply Serve(const wire::RequestHeader& request, absl::string_view payload);
  void ServeMetadata(const wire::MetadataRequest& request, wire::MetadataResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ServeDescription(const wire::DescribeTopicRequest& request, wire::ResponseHeader* reply)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ServeProduce(const wire::ProduceRequest& request, absl::string_view payload,
                    wire::ProduceResponse* response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool ServeFetch(const wire::FetchRequest& request, Reply* reply) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ServeOffsets(const wire::ListOffsetsRequest& request, wire::ListOffsetsResponse* response)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LongPoll(std::shared_ptr<Connection> connection, wire::RequestHeader request);
  Partition* Find(const std::string& topic, uint32_t partition, wire::Error* error)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void Write(Connection& connection, const Reply& reply);
  void JoinAll();

  uint16_t port_ = 0;
  Mutex mutex_;
  CondVar changed_;
  int listener_ ABSL_GUARDED_BY(mutex_) = -1;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<FakeAction(const wire::RequestHeader&)> script_ ABSL_GUARDED_BY(mutex_);
  std::function<ErrorCode(const wire::ProducePartition&)> partition_script_ ABSL_GUARDED_BY(mutex_);
  Topics topics_ ABSL_GUARDED_BY(mutex_);
  wire::Limits limits_ ABSL_GUARDED_BY(mutex_);
  std::string data_id_ ABSL_GUARDED_BY(mutex_) = "data-1";
  std::map<int, int> counts_ ABSL_GUARDED_BY(mutex_);
  wire::FetchRequest latest_fetch_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Connection>> connections_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::pair<std::shared_ptr<Connection>, Reply>> held_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leat
