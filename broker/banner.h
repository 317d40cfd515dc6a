#pragma once

#include <string>
#include <vector>

#include "broker/config.h"
#include "storage/log_store.h"

namespace leat {

// What leatd says once it serves, one line each: version, data directory, address, durability, what recovery
// found, the next command to try.
std::vector<std::string> BannerLines(const Config& config, const std::string& address,
                                     const RecoveryReport& recovery);

}  // namespace leat
