#include "bench/load/target.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "bench/load/stopwatch.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

constexpr double kStartSeconds = 60;
constexpr double kStopSeconds = 30;

// In the forked child: only calls that are safe there. Never returns.
[[noreturn]] void ExecDaemon(char* const* arguments, const char* log, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);     // of the thread that forked: the main one
  if (getppid() != parent) _exit(127);  // it ended before that took effect
  setpgid(0, 0);                        // Ctrl-C is for leat-bench, which then stops the daemon
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (in < 0 || out < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(127);
  execv(arguments[0], arguments);
  _exit(127);
}

absl::StatusOr<pid_t> StartDaemon(const std::string& home, const std::vector<std::string>& settings) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string daemon = (self.parent_path() / "leatd").string();
  if (access(daemon.c_str(), X_OK) != 0) {
    return MakeError(ErrorCode::kUnavailable, absl::StrCat("no leatd beside leat-bench: ", daemon));
  }
  std::vector<std::string> words = {daemon,        "--data-dir",  home + "/data", "--listen",
                                    "127.0.0.1:0", "--port-file", home + "/port"};
  for (const std::string& setting : settings) {
    words.emplace_back("--set");
    words.push_back(setting);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string log = home + "/leatd.log";
  const pid_t parent = getpid();
  const pid_t process = fork();
  if (process == 0) ExecDaemon(arguments.data(), log.c_str(), parent);
  if (process < 0) {
    return MakeError(ErrorCode::kUnavailable,
                     absl::StrCat("cannot start ", daemon, ": ", std::strerror(errno)));
  }
  return process;
}

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  // The daemon replaces the file whole; a line without its end is still being written.
  if (!std::getline(file, line) || file.eof()) return "";
  return line;
}

// The last lines of a file, each indented.
std::string LastLines(const std::string& path) {
  constexpr size_t kLines = 20;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const std::vector<std::string> lines = absl::StrSplit(text.str(), '\n', absl::SkipEmpty());
  const size_t skipped = lines.size() > kLines ? lines.size() - kLines : 0;
  std::string out;
  for (size_t i = skipped; i < lines.size(); ++i) absl::StrAppend(&out, "\n  ", lines[i]);
  return out.empty() ? "\n  (none)" : out;
}

std::string DescribeEnd(int wait_status) {
  if (WIFSIGNALED(wait_status)) return absl::StrCat("it was ended by signal ", WTERMSIG(wait_status));
  return absl::StrCat("it ended with exit code ", WEXITSTATUS(wait_status));
}

}  // namespace

std::unique_ptr<Target> Target::Use(const std::string& address) {
  std::unique_ptr<Target> target(new Target());
  target->address_ = address;
  return target;
}

absl::StatusOr<std::unique_ptr<Target>> Target::Spawn(const std::string& directory,
                                                      const std::vector<std::string>& settings) {
  std::unique_ptr<Target> target(new Target());
  target->undo_.emplace([raw = target.get()] { raw->Discard(SIGKILL); });
  const Stopwatch watch;
  absl::Status status = target->Start(directory, settings);
  if (status.ok()) status = target->AwaitAddress();
  if (!status.ok()) return status;
  target->start_ms_ = watch.Seconds() * 1e3;
  return target;
}

absl::Status Target::Start(const std::string& directory, const std::vector<std::string>& settings) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (discarded_) return MakeError(ErrorCode::kUnavailable, "interrupted");
  std::string home = directory + "/leat-bench-XXXXXX";
  if (mkdtemp(home.data()) == nullptr) {
    return MakeError(ErrorCode::kStorageError,
                     absl::StrCat("cannot create a directory in ", directory, ": ", std::strerror(errno)));
  }
  home_ = home;
  const absl::StatusOr<pid_t> process = StartDaemon(home_, settings);
  if (!process.ok()) return process.status();
  process_ = *process;
  return absl::OkStatus();
}

absl::Status Target::AwaitAddress() {
  const Stopwatch watch;
  while (true) {
    address_ = FirstLine(home_ + "/port");
    const std::optional<int> ended = TakeWaitStatus();
    if (ended.has_value() || watch.Seconds() > kStartSeconds) {
      return MakeError(ErrorCode::kUnavailable,
                       absl::StrCat("leatd did not start: ",
                                    ended.has_value() ? DescribeEnd(*ended) : "it opened no port in a minute",
                                    "; its last words:", LastLines(home_ + "/leatd.log")));
    }
    if (!address_.empty()) return absl::OkStatus();
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

std::optional<int> Target::TakeWaitStatus() {
  const std::lock_guard<std::mutex> lock(mutex_);
  int status = 0;
  if (process_ == 0 || waitpid(process_, &status, WNOHANG) != process_) return std::nullopt;
  process_ = 0;
  return status;
}

pid_t Target::process() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return process_;
}

void Target::Discard(int signal) {
  const std::lock_guard<std::mutex> lock(mutex_);
  discarded_ = true;
  if (process_ > 0) {
    kill(process_, signal);
    const Stopwatch watch;
    while (waitpid(process_, nullptr, WNOHANG) == 0) {
      if (watch.Seconds() > kStopSeconds) kill(process_, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    process_ = 0;
  }
  std::error_code ignored;  // a scratch directory that cannot be removed is no failure of the run
  if (!home_.empty()) std::filesystem::remove_all(home_, ignored);
}

Target::~Target() {
  Discard(SIGTERM);
  undo_.reset();
}

}  // namespace leat
