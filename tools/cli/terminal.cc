#include "tools/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace leat {
namespace {

constexpr absl::Duration kFirst = absl::Milliseconds(500);
constexpr absl::Duration kBetween = absl::Milliseconds(200);

}  // namespace

bool IsTerminal(int fd) { return isatty(fd) == 1; }

namespace {

bool KnowsEscapes(int fd) {
  const char* const term = std::getenv("TERM");
  return IsTerminal(fd) && (term == nullptr || absl::string_view(term) != "dumb");
}

// What fits into one line of the terminal: a longer one would wrap, and could not be taken away again.
absl::string_view FitLine(absl::string_view text) {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return text;
  return text.substr(0, size.ws_col - 1);
}

}  // namespace

bool UseColour(int fd) {
  const char* const no_colour = std::getenv("NO_COLOR");
  return KnowsEscapes(fd) && (no_colour == nullptr || no_colour[0] == '\0');
}

ProgressLine::ProgressLine(bool enabled, const Clock& clock)
    : clock_(clock), enabled_(enabled && KnowsEscapes(STDERR_FILENO)), next_(clock.Monotonic() + kFirst) {}

bool ProgressLine::Due() { return enabled_ && clock_.Monotonic() >= next_; }

void ProgressLine::Show(absl::string_view text) {
  if (!enabled_) return;
  const std::string line = absl::StrCat("\r\x1b[K", FitLine(text));
  std::fwrite(line.data(), 1, line.size(), stderr);
  shown_ = true;
  next_ = clock_.Monotonic() + kBetween;
}

void ProgressLine::Clear() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
  shown_ = false;
}

}  // namespace leat
