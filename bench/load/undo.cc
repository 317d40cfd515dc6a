#include "bench/load/undo.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace leat {
namespace {

constexpr unsigned kUndoSeconds = 30;  // then the process ends without more ado

std::mutex& Mutex() {
  static std::mutex& mutex = *new std::mutex;  // never destroyed: the signal's thread ends with the process
  return mutex;
}

std::vector<std::function<void()>*>& Undos() {
  static auto& undos = *new std::vector<std::function<void()>*>;
  return undos;
}

void WaitForSignal(sigset_t signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  alarm(kUndoSeconds);
  Mutex().lock();  // for good: nothing new starts, and what fails meanwhile is not reported
  for (auto undo = Undos().rbegin(); undo != Undos().rend(); ++undo) (**undo)();
  ::signal(signal, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  raise(signal);
}

}  // namespace

void UndoOnSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread(WaitForSignal, signals).detach();
}

UndoGuard::UndoGuard(std::function<void()> undo) : undo_(std::move(undo)) {
  const std::lock_guard<std::mutex> lock(Mutex());
  Undos().push_back(&undo_);
}

UndoGuard::~UndoGuard() {
  const std::lock_guard<std::mutex> lock(Mutex());
  Undos().erase(std::find(Undos().begin(), Undos().end(), &undo_));
}

}  // namespace leat
