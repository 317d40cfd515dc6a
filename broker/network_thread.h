#pragma once

#include <string>
#include <thread>

#include "asio/executor_work_guard.hpp"
#include "asio/io_context.hpp"
#include "broker/asio_executor.h"

namespace leat {

// A thread with an io_context of its own. Sockets made on it belong to this thread.
class NetworkThread {
 public:
  explicit NetworkThread(const std::string& name);
  // Stops. What still hangs on the io_context is destroyed here.
  ~NetworkThread();
  NetworkThread(const NetworkThread&) = delete;
  NetworkThread& operator=(const NetworkThread&) = delete;

  asio::io_context& io() { return io_; }
  Executor& executor() { return executor_; }
  // Runs what is queued and joins the thread.
  void Stop();

 private:
  asio::io_context io_{1};  // run by one thread: spares wake-ups of others
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  AsioExecutor executor_;
  std::thread thread_;
};

}  // namespace leat
