#include "tests/client/fake_broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "gtest/gtest.h"
#include "protocol/record/validate.h"
#include "protocol/wire/error_map.h"
#include "protocol/wire/frame.h"
#include "tests/support/batch_factory.h"

namespace leat {

struct FakeBroker::Connection {
  explicit Connection(int socket_fd) : fd(socket_fd) {}
  ~Connection() { ::close(fd); }
  // Wakes the reader; the descriptor is closed when the last user lets go.
  void Cut() { ::shutdown(fd, SHUT_RDWR); }

  const int fd;
  Mutex write_mutex;
};

FakeBroker::FakeBroker() {
  wire::Limits limits;
  limits.set_frame_bytes_max(16 << 20);
  limits.set_batch_bytes_max(4 << 20);
  limits.set_fetch_bytes_max(8 << 20);
  limits.set_fetch_wait_ms_max(30'000);
  SetLimits(limits);
  Start();
}

FakeBroker::~FakeBroker() { Stop(); }

void FakeBroker::Start() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  EXPECT_EQ(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(fd, 64), 0);
  socklen_t length = sizeof(address);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length), 0);
  port_ = ntohs(address.sin_port);
  MutexLock lock(mutex_);
  stopping_ = false;
  listener_ = fd;
  threads_.emplace_back([this, fd] { AcceptLoop(fd); });
}

void FakeBroker::Stop() {
  {
    MutexLock lock(mutex_);
    if (listener_ < 0) return;
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    for (const auto& connection : connections_) connection->Cut();
    held_.clear();
    changed_.NotifyAll();
  }
  JoinAll();
  MutexLock lock(mutex_);
  ::close(listener_);
  listener_ = -1;
  connections_.clear();
}

void FakeBroker::JoinAll() {
  while (true) {
    std::vector<std::thread> threads;
    {
      MutexLock lock(mutex_);
      threads.swap(threads_);
    }
    if (threads.empty()) return;
    for (std::thread& thread : threads) thread.join();
  }
}

void FakeBroker::CutConnections() {
  MutexLock lock(mutex_);
  for (const auto& connection : connections_) connection->Cut();
  connections_.clear();
}

void FakeBroker::SetScript(std::function<FakeAction(const wire::RequestHeader&)> script) {
  MutexLock lock(mutex_);
  script_ = std::move(script);
}

void FakeBroker::SetPartitionScript(std::function<ErrorCode(const wire::ProducePartition&)> script) {
  MutexLock lock(mutex_);
  partition_script_ = std::move(script);
}

void FakeBroker::Release() {
  std::vector<std::pair<std::shared_ptr<Connection>, Reply>> held;
  {
    MutexLock lock(mutex_);
    held.swap(held_);
  }
  std::reverse(held.begin(), held.end());
  for (const auto& [connection, reply] : held) Write(*connection, reply);
}

int FakeBroker::held() {
  MutexLock lock(mutex_);
  return static_cast<int>(held_.size());
}

void FakeBroker::CreateTopic(const std::string& name, uint32_t partitions) {
  MutexLock lock(mutex_);
  topics_[name].resize(partitions);
}

void FakeBroker::Append(const std::string& topic, uint32_t partition, std::string batch) {
  MutexLock lock(mutex_);
  Partition& log = topics_.at(topic).at(partition);
  StampBatch(absl::MakeSpan(&batch[0], batch.size()), log.end, 0);
  const Offset base = log.end;
  log.end = DecodeBatchHeader(batch).next_offset();
  log.batches.emplace_back(base, std::move(batch));
  changed_.NotifyAll();
}

void FakeBroker::AppendMisplaced(const std::string& topic, uint32_t partition, std::string batch,
                                 Offset base_offset) {
  MutexLock lock(mutex_);
  Partition& log = topics_.at(topic).at(partition);
  StampBatch(absl::MakeSpan(&batch[0], batch.size()), base_offset, 0);
  const Offset base = log.end;
  log.end += DecodeBatchHeader(batch).last_offset_delta + 1;
  log.batches.emplace_back(base, std::move(batch));
  changed_.NotifyAll();
}

void FakeBroker::SetLogStart(const std::string& topic, uint32_t partition, Offset offset) {
  MutexLock lock(mutex_);
  topics_.at(topic).at(partition).log_start = offset;
}

void FakeBroker::SetDataId(std::string data_id) {
  MutexLock lock(mutex_);
  data_id_ = std::move(data_id);
}

void FakeBroker::SetLimits(const wire::Limits& limits) {
  MutexLock lock(mutex_);
  limits_ = limits;
}

std::string FakeBroker::Log(const std::string& topic, uint32_t partition) {
  MutexLock lock(mutex_);
  std::string log;
  for (const auto& [base, batch] : topics_[topic].at(partition).batches) log += batch;
  return log;
}

std::vector<std::string> FakeBroker::Values(const std::string& topic, uint32_t partition) {
  const absl::StatusOr<std::vector<TestRecord>> records = DecodeBatches(Log(topic, partition));
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<std::string> values;
  for (const TestRecord& record : *records) values.push_back(record.value.value_or("(null)"));
  return values;
}

std::vector<std::string> FakeBroker::Arrived(const std::string& topic, uint32_t partition) {
  MutexLock lock(mutex_);
  return topics_[topic].at(partition).arrived;
}

int FakeBroker::Count(wire::RequestHeader::RequestCase kind) {
  MutexLock lock(mutex_);
  return counts_[kind];
}

bool FakeBroker::AwaitCount(wire::RequestHeader::RequestCase kind, int count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  MutexLock lock(mutex_);
  while (counts_[kind] < count) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    changed_.WaitFor(mutex_, std::chrono::seconds(1));
  }
  return true;
}

wire::FetchRequest FakeBroker::latest_fetch() {
  MutexLock lock(mutex_);
  return latest_fetch_;
}

void FakeBroker::AcceptLoop(int listener) {
  while (true) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    auto connection = std::make_shared<Connection>(fd);
    MutexLock lock(mutex_);
    if (stopping_) return;
    connections_.push_back(connection);
    threads_.emplace_back([this, connection] { ReadLoop(connection); });
  }
}

void FakeBroker::ReadLoop(const std::shared_ptr<Connection>& connection) {
  std::string buffer;
  size_t wanted = kFramePrefixBytes;
  while (true) {
    while (buffer.size() < wanted) {
      char chunk[65536];
      const ssize_t got = ::recv(connection->fd, chunk, std::min(sizeof(chunk), wanted - buffer.size()), 0);
      if (got <= 0) return;
      buffer.append(chunk, static_cast<size_t>(got));
    }
    const auto frame = DecodeFrame(absl::MakeSpan(&buffer[0], buffer.size()), 64 << 20);
    EXPECT_TRUE(frame.ok()) << frame.status();
    if (!frame.ok()) return connection->Cut();
    wanted = frame->total_bytes;
    if (!frame->complete) continue;
    const absl::string_view payload(frame->frame.payload.data(), frame->frame.payload.size());
    if (!OnFrame(connection, frame->frame.header, payload)) return connection->Cut();
    buffer.clear();
    wanted = kFramePrefixBytes;
  }
}

// False: the connection ends.
bool FakeBroker::OnFrame(const std::shared_ptr<Connection>& connection, absl::string_view header,
                         absl::string_view payload) {
  wire::RequestHeader request;
  EXPECT_TRUE(request.ParseFromArray(header.data(), static_cast<int>(header.size())));
  std::function<FakeAction(const wire::RequestHeader&)> script;
  {
    MutexLock lock(mutex_);
    script = script_;
  }
  const FakeAction action = script ? script(request) : FakeAction{};
  Reply reply;
  if (action.kind == FakeAction::kRefuse) {
    ToWire(MakeError(action.code, "refused by the script"), reply.header.mutable_error());
    reply.header.set_correlation_id(request.correlation_id());
  }
  const bool serve = action.kind != FakeAction::kRefuse && action.kind != FakeAction::kIgnore &&
                     action.kind != FakeAction::kCut && action.kind != FakeAction::kGarbage;
  const int entries = request.list_offsets().queries_size() + request.fetch().partitions_size() +
                      request.produce().partitions_size();
  if (serve && TooMany(entries)) {
    ToWire(MakeError(ErrorCode::kLimitExceeded, "too many entries"), reply.header.mutable_error());
    reply.header.set_correlation_id(request.correlation_id());
  } else if (serve && request.has_fetch() && action.kind == FakeAction::kServe) {
    LongPoll(connection, request);
  } else if (serve) {
    reply = Serve(request, payload);
  }
  if (action.kind == FakeAction::kNoSpace) {
    for (wire::TopicMetadata& topic : *reply.header.mutable_metadata()->mutable_topics()) {
      topic.clear_partition_count();
      ToWire(MakeError(ErrorCode::kDiskFull, "no space for a topic"), topic.mutable_error());
    }
  }
  MutexLock lock(mutex_);
  ++counts_[request.request_case()];
  if (request.has_fetch()) latest_fetch_ = request.fetch();
  changed_.NotifyAll();
  const bool silent = request.has_produce() && request.produce().ack() == wire::ACK_NONE;
  switch (action.kind) {
    case FakeAction::kServe:
    case FakeAction::kNoSpace:
      if ((!request.has_fetch() || reply.header.has_error()) && !silent) Write(*connection, reply);
      return true;
    case FakeAction::kRefuse:
      Write(*connection, reply);
      return true;
    case FakeAction::kHold:
      held_.emplace_back(connection, std::move(reply));
      return true;
    case FakeAction::kGarbage:
      ::send(connection->fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
      return true;
    case FakeAction::kCut:
    case FakeAction::kServeAndCut:
      return false;
    default:
      return true;
  }
}

bool FakeBroker::TooMany(int entries) {
  MutexLock lock(mutex_);
  const uint32_t limit = limits_.partitions_per_request_max();
  return limit != 0 && static_cast<uint32_t>(entries) > limit;
}

FakeBroker::Reply FakeBroker::Serve(const wire::RequestHeader& request, absl::string_view payload) {
  MutexLock lock(mutex_);
  Reply reply;
  reply.header.set_correlation_id(request.correlation_id());
  if (request.has_hello()) {
    reply.header.mutable_hello()->set_version(1);
    reply.header.mutable_hello()->set_data_id(data_id_);
    *reply.header.mutable_hello()->mutable_limits() = limits_;
  } else if (request.has_metadata()) {
    ServeMetadata(request.metadata(), reply.header.mutable_metadata());
  } else if (request.has_produce()) {
    ServeProduce(request.produce(), payload, reply.header.mutable_produce());
  } else if (request.has_fetch()) {
    ServeFetch(request.fetch(), &reply);
  } else if (request.has_list_offsets()) {
    ServeOffsets(request.list_offsets(), reply.header.mutable_list_offsets());
  } else if (request.has_create_topic()) {
    auto [it, created] = topics_.try_emplace(request.create_topic().name());
    if (created) it->second.resize(std::max(1u, request.create_topic().partition_count()));
    if (!created) ToWire(MakeError(ErrorCode::kTopicExists, "there"), reply.header.mutable_error());
    if (created) reply.header.mutable_create_topic()->set_created(true);
  } else if (request.has_delete_topic()) {
    const bool deleted = topics_.erase(request.delete_topic().name()) > 0;
    if (!deleted) ToWire(MakeError(ErrorCode::kUnknownTopic, "gone"), reply.header.mutable_error());
    if (deleted) reply.header.mutable_delete_topic();
  } else if (request.has_describe_topic()) {
    ServeDescription(request.describe_topic(), &reply.header);
  } else if (request.has_server_info()) {
    reply.header.mutable_server_info()->set_server_version("fake");
  }
  return reply;
}

void FakeBroker::ServeMetadata(const wire::MetadataRequest& request, wire::MetadataResponse* response) {
  if (request.topics().empty()) {
    for (auto it = topics_.upper_bound(request.after_topic()); it != topics_.end(); ++it) {
      if (response->topics_size() == kPageEntries) return response->set_more(true);
      response->add_topics()->set_name(it->first);
    }
  }
  for (const std::string& name : request.topics()) {
    if (request.create_missing() && topics_[name].empty()) topics_[name].resize(1);
    wire::TopicMetadata* topic = response->add_topics();
    topic->set_name(name);
    const auto it = topics_.find(name);
    if (it == topics_.end()) {
      ToWire(MakeError(ErrorCode::kUnknownTopic, "no topic " + name), topic->mutable_error());
    } else {
      topic->set_partition_count(static_cast<uint32_t>(it->second.size()));
    }
  }
}

void FakeBroker::ServeDescription(const wire::DescribeTopicRequest& request, wire::ResponseHeader* reply) {
  const auto it = topics_.find(request.name());
  if (it == topics_.end()) return ToWire(MakeError(ErrorCode::kUnknownTopic, "gone"), reply->mutable_error());
  wire::DescribeTopicResponse* response = reply->mutable_describe_topic();
  response->mutable_topic()->set_name(it->first);
  response->mutable_topic()->set_partition_count(static_cast<uint32_t>(it->second.size()));
  for (uint32_t i = request.first_partition();
       i < it->second.size() && response->partitions_size() < kPageEntries; ++i) {
    response->add_partitions()->set_partition(i);
  }
}

FakeBroker::Partition* FakeBroker::Find(const std::string& topic, uint32_t partition, wire::Error* error) {
  const auto it = topics_.find(topic);
  if (it == topics_.end()) {
    ToWire(MakeError(ErrorCode::kUnknownTopic, "no topic " + topic), error);
    return nullptr;
  }
  if (partition < it->second.size()) return &it->second[partition];
  ToWire(MakeError(ErrorCode::kUnknownPartition, "no such partition"), error);
  return nullptr;
}

void FakeBroker::ServeProduce(const wire::ProduceRequest& request, absl::string_view payload,
                              wire::ProduceResponse* response) {
  size_t at = 0;
  for (const wire::ProducePartition& entry : request.partitions()) {
    std::string batch(payload.substr(at, entry.batch_bytes()));
    at += entry.batch_bytes();
    wire::ProduceResult* result = response->add_results();
    Partition* partition = Find(entry.topic(), entry.partition(), result->mutable_error());
    if (partition == nullptr) continue;
    partition->arrived.push_back(batch);
    const ErrorCode code = partition_script_ ? partition_script_(entry) : ErrorCode::kNone;
    if (code != ErrorCode::kNone) {
      ToWire(MakeError(code, "refused by the script"), result->mutable_error());
      continue;
    }
    ValidationOptions rules;
    rules.batch_bytes_max = limits_.batch_bytes_max();
    if (const auto valid = ValidateBatch(batch, rules); !valid.ok()) {
      ToWire(valid.status(), result->mutable_error());
      continue;
    }
    result->set_base_offset(partition->end);
    result->set_level(request.ack());
    StampBatch(absl::MakeSpan(&batch[0], batch.size()), partition->end, 0);
    partition->batches.emplace_back(partition->end, batch);
    partition->end = DecodeBatchHeader(batch).next_offset();
  }
  EXPECT_EQ(at, payload.size());
  changed_.NotifyAll();
}

// True when there is something to answer with at once.
bool FakeBroker::ServeFetch(const wire::FetchRequest& request, Reply* reply) {
  bool something = request.min_bytes() == 0;
  size_t left = request.max_bytes() == 0 ? 1 << 20 : request.max_bytes();
  for (const wire::FetchPartition& entry : request.partitions()) {
    wire::FetchResult* result = reply->header.mutable_fetch()->add_results();
    Partition* partition = Find(entry.topic(), entry.partition(), result->mutable_error());
    if (partition != nullptr && (entry.offset() < partition->log_start || entry.offset() > partition->end)) {
      ToWire(MakeError(ErrorCode::kOffsetOutOfRange, "out of range"), result->mutable_error());
      partition = nullptr;
    }
    if (partition == nullptr) {
      something = true;
      continue;
    }
    result->set_log_start_offset(partition->log_start);
    result->set_visible_offset(partition->end);
    size_t bytes = 0;
    for (const auto& [base, batch] : partition->batches) {
      if (base + DecodeBatchHeader(batch).last_offset_delta < entry.offset()) continue;
      const size_t room = entry.max_bytes() == 0 ? left : std::min<size_t>(left, entry.max_bytes() - bytes);
      if (!reply->payload.empty() && batch.size() > room) break;
      reply->payload += batch;
      bytes += batch.size();
      left -= std::min(left, batch.size());
      if (bytes >= entry.max_bytes() && entry.max_bytes() > 0) break;
    }
    result->set_batches_bytes(bytes);
    something = something || bytes > 0;
  }
  return something;
}

void FakeBroker::LongPoll(std::shared_ptr<Connection> connection, wire::RequestHeader request) {
  MutexLock lock(mutex_);
  if (stopping_) return;
  threads_.emplace_back([this, connection = std::move(connection), request = std::move(request)] {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(request.fetch().max_wait_ms());
    Reply reply;
    MutexLock waiting(mutex_);
    while (!stopping_) {
      reply = Reply{};
      const auto left = deadline - std::chrono::steady_clock::now();
      if (ServeFetch(request.fetch(), &reply) || left <= std::chrono::nanoseconds::zero()) break;
      changed_.WaitFor(mutex_, left);
    }
    reply.header.set_correlation_id(request.correlation_id());
    if (!stopping_) Write(*connection, reply);
  });
}

void FakeBroker::ServeOffsets(const wire::ListOffsetsRequest& request, wire::ListOffsetsResponse* response) {
  for (const wire::OffsetQuery& query : request.queries()) {
    wire::OffsetAnswer* answer = response->add_answers();
    const Partition* partition = Find(query.topic(), query.partition(), answer->mutable_error());
    if (partition == nullptr) continue;
    answer->set_timestamp_ms(-1);
    answer->set_offset(query.position() == wire::OffsetQuery::START ? partition->log_start : partition->end);
    if (query.position() != wire::OffsetQuery::TIMESTAMP) continue;
    for (auto batch = partition->batches.rbegin(); batch != partition->batches.rend(); ++batch) {
      const auto records = DecodeBatches(batch->second);
      for (auto record = records->rbegin(); record != records->rend(); ++record) {
        if (record->timestamp_ms >= query.timestamp_ms()) answer->set_offset(record->offset);
      }
    }
  }
}

void FakeBroker::Write(Connection& connection, const Reply& reply) {
  const absl::StatusOr<std::string> head = EncodeFrameHead(reply.header, reply.payload.size());
  EXPECT_TRUE(head.ok());
  const std::string frame = *head + reply.payload;
  MutexLock lock(connection.write_mutex);
  size_t sent = 0;
  while (sent < frame.size()) {
    const ssize_t got = ::send(connection.fd, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (got <= 0) return;
    sent += static_cast<size_t>(got);
  }
}

}  // namespace leat
