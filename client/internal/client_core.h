#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "asio/executor_work_guard.hpp"
#include "asio/io_context.hpp"
#include "client/internal/link.h"
#include "client/internal/random.h"
#include "client/internal/timer_queue.h"
#include "client/options.h"
#include "protocol/record/mutex.h"

namespace leat {

// The io thread and what lives on it. Shared by the client and all that was made from it.
class ClientCore {
 public:
  using Task = absl::AnyInvocable<void() &&>;

  // Something with work under way that has to fail when the client is closed.
  class Member {
   public:
    virtual ~Member() = default;
    // On the io thread, once.
    virtual void OnClientClosed() = 0;
  };

  // Starts the thread and begins to connect. kInvalidRequest for unusable options.
  static absl::StatusOr<std::shared_ptr<ClientCore>> Create(ClientOptions options);

  explicit ClientCore(ClientOptions options, std::string host, uint16_t port);
  ~ClientCore();
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  // Any thread.
  const ClientOptions& options() const { return options_; }
  bool OnIoThread() const { return std::this_thread::get_id() == thread_id_; }
  // Runs `task` on the io thread. False, and the task is destroyed here, when the client is closed.
  bool Post(Task task);
  uint64_t NewSeed();
  // Fails everything, ends the thread. Not on the io thread.
  void Shutdown();

  // On the io thread only. A member is told about the end until it is removed or destroyed.
  Link& link() { return link_; }
  TimerQueue& timers() { return timers_; }
  SplitMixRandom& random() { return random_; }
  void AddMember(std::weak_ptr<Member> member);

 private:
  void Start();
  void CloseOnIoThread();

  const ClientOptions options_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  TimerQueue timers_;
  SplitMixRandom random_;
  Link link_;
  std::set<std::weak_ptr<Member>, std::owner_less<>> members_;

  Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  SplitMixRandom seeds_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
  std::thread::id thread_id_;
};

// What every call fails with once the client is closed.
absl::Status ClientClosedError();

}  // namespace leat
