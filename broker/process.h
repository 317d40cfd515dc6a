#pragma once

#include <cstdint>

namespace leat {

// Set-up of the process as a whole. For main, before any thread.

struct OpenFileLimit {
  uint64_t before = 0;
  uint64_t now = 0;
};
// Raises the soft limit of open files to the hard one.
OpenFileLimit RaiseOpenFileLimit();

// A peer that hangs up and a file that gets too large are answers of system calls, not signals.
void IgnoreSignals();

// Opens /dev/null for standard input, output and error where they are closed: else the next files and sockets
// would take their numbers, and log lines go there.
void OpenStandardFiles();

// Keeps what the allocator holds back small.
void TuneAllocator();

}  // namespace leat
