#include "broker/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "asio/io_context.hpp"
#include "asio/post.hpp"
#include "asio/signal_set.hpp"
#include "asio/steady_timer.hpp"
#include "broker/banner.h"
#include "broker/command_line.h"
#include "broker/log.h"
#include "broker/process.h"
#include "broker/server.h"
#include "google/protobuf/stubs/logging.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

// Time for the last answers to leave after a storage failure.
constexpr std::chrono::milliseconds kLastWords(500);
// Descriptors for everything that is neither a connection that is served nor a segment, among them
// connections that are being refused.
constexpr int64_t kOtherFiles = 320;
// As few of each as there has to be to work at all.
constexpr int64_t kFilesMin = 16;

int ExitCodeOf(const absl::Status& status) {
  switch (CodeOf(status)) {
    case ErrorCode::kInvalidConfig:
      return kExitUsage;
    case ErrorCode::kDirectoryLocked:
      return kExitLocked;
    case ErrorCode::kUnsupportedFormat:
      return kExitFormat;
    default:
      return kExitFailed;
  }
}

// Connections must not take the descriptors that segments need, because a record whose segment cannot be
// opened is refused. So what the limit does not allow is refused as a connection too many.
void FitToOpenFileLimit(Config& config) {
  const OpenFileLimit limit = RaiseOpenFileLimit();
  Log(LogLevel::kInfo,
      absl::StrCat("open files: limit ", limit.now,
                   limit.now != limit.before ? absl::StrCat(", raised from ", limit.before) : ""));
  const int64_t wanted = config.connections_max + config.open_files_max + kOtherFiles;
  if (limit.now >= static_cast<uint64_t>(wanted)) return;
  const int64_t room = std::max(static_cast<int64_t>(limit.now) - kOtherFiles, 2 * kFilesMin);
  config.open_files_max = std::min(config.open_files_max, room / 2);
  config.connections_max = std::min(config.connections_max, room - config.open_files_max);
  Log(LogLevel::kWarn,
      absl::StrCat("connections_max and open_files_max need ", wanted, " open files, the limit is ",
                   limit.now, ": lowered to ", config.connections_max, " and ", config.open_files_max,
                   "; raise the limit (ulimit -n, LimitNOFILE=)"));
}

absl::Status WritePortFile(const std::string& path, const std::string& address) {
  if (path.empty()) return absl::OkStatus();
  const size_t slash = path.rfind('/');
  const std::string dir = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return ReplaceFile(PosixFileSystem(), dir, name, absl::StrCat(address, "\n"));
}

void Greet(const Config& config, Server& server) {
  const std::vector<std::string> lines = BannerLines(config, server.address(), server.recovery());
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  for (const std::string& line : lines) {
    if (terminal) std::cout << line << "\n";
    Log(LogLevel::kInfo, line);
  }
  std::cout.flush();
  for (const std::string& note : server.recovery().notes) {
    Log(LogLevel::kWarn, absl::StrCat("recovery: ", note));
  }
}

// Waits for what ends the process, in the main thread.
class Daemon {
 public:
  explicit Daemon(const Config& config) : config_(config), signals_(io_), runtime_(NewThreadRuntime()) {}

  int Run() {
    absl::StatusOr<std::unique_ptr<Server>> server =
        Server::Start({config_, [this](const absl::Status& cause) {
                         asio::post(io_, [this, cause] { OnFailure(cause); });
                       }});
    if (!server.ok()) return Fail(server.status());
    server_ = *std::move(server);
    TakeSignals();
    if (absl::Status status = WritePortFile(config_.port_file, server_->address()); !status.ok()) {
      if (absl::Status stopped = server_->Stop(absl::ZeroDuration()); !stopped.ok()) return Fail(stopped);
      return Fail(status);
    }
    Greet(config_, *server_);
    signals_.async_wait([this](const std::error_code& error, int) {
      if (!error) OnFirstSignal();
    });
    io_.run();
    stopper_.reset();
    FlushLogging();
    return exit_code_;
  }

 private:
  // Only now: until here the process may just die, recovery is made for that, and a long one can be ended.
  void TakeSignals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    // A terminal that goes away stops the daemon in order, unless it was started to outlive it (nohup).
    struct sigaction hangup = {};
    if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN) signals_.add(SIGHUP);
  }

  int Fail(const absl::Status& status) const {
    if (config_.log_level == "off") std::cerr << "leatd: " << status.message() << "\n";
    Log(LogLevel::kError, status.message());
    FlushLogging();
    return ExitCodeOf(status);
  }

  // The stop itself blocks, so it has a thread of its own, and this one waits for a second signal.
  void OnFirstSignal() {
    Log(LogLevel::kInfo, "stopping: finishing what is in flight; a second signal ends at once");
    signals_.async_wait([](const std::error_code& error, int) {
      if (error) return;
      Log(LogLevel::kWarn, "ended by a second signal; the next start recovers");
      FlushLogging();
      ::_exit(kExitFailed);
    });
    stopper_ = runtime_->NewExecutor("stop");
    stopper_->Post([this] {
      const absl::Status status = server_->Stop(absl::Milliseconds(config_.shutdown_timeout_ms));
      asio::post(io_, [this, status] {
        Log(status.ok() ? LogLevel::kInfo : LogLevel::kError,
            status.ok() ? "stopped, everything is synced"
                        : absl::StrCat("stopped with an error: ", status.message()));
        exit_code_ = status.ok() ? kExitOk : kExitFailed;
        io_.stop();
      });
    });
  }

  // Producers get their answers, then the process ends without touching the directory again (D7).
  void OnFailure(const absl::Status& cause) {
    if (config_.on_storage_failure == "refuse") return;
    Log(LogLevel::kError,
        absl::StrCat("stopping because a sync failed; no unacknowledged record is promised, every "
                     "acknowledged one is kept. Check the disk, then start again: ",
                     cause.message()));
    last_words_.expires_after(kLastWords);
    last_words_.async_wait([](const std::error_code&) {
      FlushLogging();
      ::_exit(kExitFailed);
    });
  }

  const Config config_;
  asio::io_context io_{1};
  asio::signal_set signals_;
  asio::steady_timer last_words_{io_};
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Executor> stopper_;
  int exit_code_ = kExitOk;
};

}  // namespace

int RunDaemon(LoadedConfig loaded) {
  OpenStandardFiles();
  TuneAllocator();
  IgnoreSignals();
  // What a peer sent is told by our own log, with its limits.
  google::protobuf::SetLogHandler(nullptr);
  InitLogging(loaded.config.log_level, loaded.config.log_format);
  FitToOpenFileLimit(loaded.config);
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(loaded.config.data_dir, error);
  if (!error) loaded.config.data_dir = absolute.lexically_normal().string();
  return Daemon(loaded.config).Run();
}

}  // namespace leat
