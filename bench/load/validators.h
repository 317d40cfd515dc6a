#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

// Checks of single options. Each refuses in one short sentence; the parser's own checks take "-1" for 2^64 -
// 1 and "nan" for a number in range.

namespace leat {

CLI::Validator WholeNumber(uint64_t least, uint64_t most);
CLI::Validator Number(double least, double most);
// At least 1 byte. Turns "512KiB" into "524288".
CLI::Validator Size(uint64_t most);
CLI::Validator OneOf(std::vector<std::string> names);

}  // namespace leat
