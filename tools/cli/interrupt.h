#pragma once

namespace leat {

// Writing to a pipe that nobody reads gives an error from now on, and no signal.
void IgnorePipeSignal();

// From now on the first SIGINT or SIGTERM only sets a flag, so that a command can end in order; the second
// ends the process at once. For commands that run long; call once.
void InstallSignalHandlers();

// True after the first of these signals. Any thread.
bool Interrupted();

// Becomes readable with the first of these signals, for waits on several descriptors. -1 before
// InstallSignalHandlers.
int InterruptFd();

}  // namespace leat
