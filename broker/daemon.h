#pragma once

#include "broker/config_load.h"

namespace leat {

// Runs the broker until a signal or a storage failure ends it. Gives the exit code.
int RunDaemon(LoadedConfig loaded);

}  // namespace leat
