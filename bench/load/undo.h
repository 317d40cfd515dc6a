#pragma once

#include <functional>

// What a run has started or made (a daemon, a directory, a topic on somebody's broker) goes again when
// SIGINT, SIGTERM or SIGHUP ends the program in the middle.

namespace leat {

// Call first in main, before any other thread: a thread of its own waits for these signals. On the first it
// runs what UndoGuards hold, newest first, for 30 s at most, then lets the process end by that signal.
// Further ones change nothing: some who send one send it twice, to the process and to its group.
void UndoOnSignals();

// Holds one thing to undo. `undo` runs on the signal's thread beside the rest of the program, so it locks
// what it shares. Once a signal has come, making or destroying a guard never returns: the process is ending.
class UndoGuard {
 public:
  explicit UndoGuard(std::function<void()> undo);
  ~UndoGuard();
  UndoGuard(const UndoGuard&) = delete;
  UndoGuard& operator=(const UndoGuard&) = delete;

 private:
  std::function<void()> undo_;
};

}  // namespace leat
