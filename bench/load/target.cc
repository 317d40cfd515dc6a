#include "bench/load/target.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/load/stopwatch.h"
#include "protocol/record/error.h"

namespace leat {
namespace {

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
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = home + "/leatd.log";
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t process = 0;
  const int failed = posix_spawn(&process, daemon.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return MakeError(ErrorCode::kUnavailable,
                     absl::StrCat("cannot start ", daemon, ": ", std::strerror(failed)));
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

}  // namespace

absl::StatusOr<ProcessUsage> UsageOf(pid_t process) {
  ProcessUsage usage;
  std::ifstream stat(absl::StrCat("/proc/", process, "/stat"));
  std::stringstream text;
  text << stat.rdbuf();
  const std::string all = text.str();
  const size_t after_name = all.rfind(')');
  if (after_name == std::string::npos) {
    return MakeError(ErrorCode::kUnavailable, absl::StrCat("process ", process, " is gone"));
  }
  std::istringstream fields(all.substr(after_name + 1));
  std::string word;
  // Fields 14 and 15 of the file are user and system time; the third follows the name.
  for (int field = 3; field <= 13; ++field) fields >> word;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  usage.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream status(absl::StrCat("/proc/", process, "/status"));
  std::string line;
  while (std::getline(status, line)) {
    std::istringstream row(line);
    std::string name;
    uint64_t kib = 0;
    row >> name >> kib;
    if (name == "VmRSS:") usage.resident_bytes = kib * 1024;
    if (name == "VmHWM:") usage.peak_bytes = kib * 1024;
  }
  return usage;
}

absl::StatusOr<std::unique_ptr<Target>> Target::Use(const std::string& address) {
  std::unique_ptr<Target> target(new Target());
  target->address_ = address;
  return target;
}

absl::StatusOr<std::unique_ptr<Target>> Target::Spawn(const std::string& directory,
                                                      const std::vector<std::string>& settings) {
  std::unique_ptr<Target> target(new Target());
  std::string home = directory + "/leat-bench-XXXXXX";
  if (mkdtemp(home.data()) == nullptr) {
    return MakeError(ErrorCode::kStorageError,
                     absl::StrCat("cannot create a directory in ", directory, ": ", std::strerror(errno)));
  }
  target->home_ = home;
  const Stopwatch watch;
  const absl::StatusOr<pid_t> process = StartDaemon(home, settings);
  if (!process.ok()) return process.status();
  target->process_ = *process;
  while (target->address_.empty()) {
    target->address_ = FirstLine(home + "/port");
    if (waitpid(*process, nullptr, WNOHANG) == *process || watch.Seconds() > 60) {
      return MakeError(ErrorCode::kUnavailable,
                       absl::StrCat("leatd did not start; see ", home, "/leatd.log"));
    }
    if (target->address_.empty()) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  target->start_ms_ = watch.Seconds() * 1e3;
  return target;
}

Target::~Target() {
  if (process_ > 0) {
    kill(process_, SIGTERM);
    const Stopwatch watch;
    while (waitpid(process_, nullptr, WNOHANG) == 0) {
      if (watch.Seconds() > 30) kill(process_, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  std::error_code ignored;  // a scratch directory that cannot be removed is no failure of the run
  if (!home_.empty()) std::filesystem::remove_all(home_, ignored);
}

absl::Status RecreateTopic(Connection& connection, const std::string& topic, uint32_t partitions,
                           const std::vector<std::pair<std::string, std::string>>& config) {
  wire::RequestHeader remove;
  remove.mutable_delete_topic()->set_name(topic);
  const absl::StatusOr<Connection::Reply> removed = connection.Call(remove);
  if (!removed.ok() && CodeOf(removed.status()) != ErrorCode::kUnknownTopic) return removed.status();
  wire::RequestHeader create;
  create.mutable_create_topic()->set_name(topic);
  create.mutable_create_topic()->set_partition_count(partitions);
  for (const auto& [name, value] : config) {
    auto* entry = create.mutable_create_topic()->add_config();
    entry->set_name(name);
    entry->set_value(value);
  }
  return connection.Call(create).status();
}

absl::StatusOr<int64_t> CountRecords(Connection& connection, const std::string& topic, bool durable) {
  wire::RequestHeader request;
  request.mutable_describe_topic()->set_name(topic);
  const absl::StatusOr<Connection::Reply> reply = connection.Call(request);
  if (!reply.ok()) return reply.status();
  int64_t count = 0;
  for (const wire::PartitionState& partition : reply->header.describe_topic().partitions()) {
    count += (durable ? partition.durable_offset() : partition.end_offset()) - partition.log_start_offset();
  }
  return count;
}

}  // namespace leat
