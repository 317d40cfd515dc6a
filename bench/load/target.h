#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bench/load/undo.h"

namespace leat {

// The broker under load: one that runs already (`Use`), or a leatd of this build, started with an empty data
// directory below `directory`. That one is stopped and its directory removed at the end, also when a signal
// ends the run; it ends with this process, however that ends. Used by the main thread.
class Target {
 public:
  static std::unique_ptr<Target> Use(const std::string& address);
  // An error tells how the daemon ended and the end of its log.
  static absl::StatusOr<std::unique_ptr<Target>> Spawn(const std::string& directory,
                                                       const std::vector<std::string>& settings);
  ~Target();

  const std::string& address() const { return address_; }
  // 0 when it is not ours.
  pid_t process() const;
  bool is_own() const { return !home_.empty(); }
  // Time from the start of the process until it accepted connections; 0 when it is not ours.
  double start_ms() const { return start_ms_; }

 private:
  Target() = default;
  absl::Status Start(const std::string& directory, const std::vector<std::string>& settings);
  absl::Status AwaitAddress();
  std::optional<int> TakeWaitStatus();
  // Stops the daemon by `signal` and removes the directory. Nothing is started after that.
  void Discard(int signal);

  std::string address_;
  std::string home_;
  double start_ms_ = 0;
  mutable std::mutex mutex_;  // a signal discards from a thread of its own
  pid_t process_ = 0;         // under mutex_, as is the next
  bool discarded_ = false;
  std::optional<UndoGuard> undo_;
};

}  // namespace leat
