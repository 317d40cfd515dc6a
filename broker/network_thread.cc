#include "broker/network_thread.h"

#include <pthread.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "broker/log.h"

namespace leat {
namespace {

// Only Asio itself and failed allocations throw here; the task that did is lost, the others go on.
void RunForEver(asio::io_context& io) {
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception& error) {
      Log(LogLevel::kError, absl::StrCat("a task of a network thread failed: ", error.what()));
    }
  }
}

}  // namespace

NetworkThread::NetworkThread(const std::string& name)
    : work_(asio::make_work_guard(io_)), executor_(io_), thread_([this] { RunForEver(io_); }) {
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

NetworkThread::~NetworkThread() { Stop(); }

void NetworkThread::Stop() {
  if (!thread_.joinable()) return;
  executor_.Stop();
  thread_.join();
}

}  // namespace leat
