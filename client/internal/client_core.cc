#include "client/internal/client_core.h"

#include <pthread.h>

#include <random>
#include <utility>
#include <vector>

#include "asio/post.hpp"
#include "client/retry_policy.h"
#include "protocol/record/error.h"
#include "protocol/wire/tcp_transport.h"
#include "protocol/wire/utf8.h"

namespace leat {
namespace {

uint64_t SystemSeed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

absl::Status ValidateClientOptions(const ClientOptions& options) {
  for (absl::Duration timeout :
       {options.connect_timeout, options.request_timeout, options.operation_timeout}) {
    if (timeout <= absl::ZeroDuration()) {
      return MakeError(ErrorCode::kInvalidRequest, "the timeouts of a client have to be above zero");
    }
  }
  if (!IsValidUtf8(options.client_name)) {
    return MakeError(ErrorCode::kInvalidRequest, "client_name is not valid UTF-8");
  }
  return ValidateRetryOptions(options.retry);
}

}  // namespace

absl::Status ClientClosedError() { return MakeError(ErrorCode::kShuttingDown, "the client was closed"); }

absl::StatusOr<std::shared_ptr<ClientCore>> ClientCore::Create(ClientOptions options) {
  if (absl::Status status = ValidateClientOptions(options); !status.ok()) return status;
  absl::StatusOr<HostPort> address = ParseHostPort(options.address, kDefaultPort);
  if (!address.ok()) return address.status();
  auto core = std::make_shared<ClientCore>(std::move(options), address->host, address->port);
  core->Start();
  return core;
}

ClientCore::ClientCore(ClientOptions options, std::string host, uint16_t port)
    : options_(std::move(options)),
      work_(asio::make_work_guard(io_)),
      timers_(io_),
      random_(options_.seed != 0 ? options_.seed : SystemSeed()),
      link_(io_, timers_, random_, options_, std::move(host), port),
      seeds_(random_.Next()) {}

ClientCore::~ClientCore() { Shutdown(); }

void ClientCore::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "leat-client");
    io_.run();
  });
  thread_id_ = thread_.get_id();
  Post([this] { link_.Start(); });
}

bool ClientCore::Post(Task task) {
  MutexLock lock(mutex_);
  if (closed_) return false;
  asio::post(io_, std::move(task));
  return true;
}

uint64_t ClientCore::NewSeed() {
  MutexLock lock(mutex_);
  return seeds_.Next();
}

void ClientCore::AddMember(std::weak_ptr<Member> member) {
  std::erase_if(members_, [](const std::weak_ptr<Member>& each) { return each.expired(); });
  members_.insert(std::move(member));
}

void ClientCore::CloseOnIoThread() {
  link_.Shutdown(ClientClosedError());
  for (const std::weak_ptr<Member>& each : std::exchange(members_, {})) {
    if (std::shared_ptr<Member> member = each.lock()) member->OnClientClosed();
  }
  timers_.Close();
  work_.reset();
}

void ClientCore::Shutdown() {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = true;
    asio::post(io_, [this] { CloseOnIoThread(); });
  }
  // From here on nothing new is posted; the thread ends when the connection is closed.
  thread_.join();
}

}  // namespace leat
