#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace leat {

// What to tell people whose command line `app` did not take: the word that it does not know with the nearest
// known one, the commands to choose from, or the parser's own words; then where help is.
std::string ExplainParseError(const CLI::App& app, const CLI::ParseError& error);

}  // namespace leat
