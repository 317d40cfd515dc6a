#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/env/clock.h"

namespace leat {

// Whether the descriptor shows to a person.
bool IsTerminal(int fd);

// Whether to colour what goes to `fd`: a terminal, NO_COLOR unset or empty, TERM not "dumb".
bool UseColour(int fd);

// A line on standard error that is rewritten in place, cut to the terminal's width; nothing when standard
// error is no terminal, or a dumb one, or `enabled` is false. One thread.
class ProgressLine {
 public:
  explicit ProgressLine(bool enabled, const Clock& clock = SystemClock());
  ~ProgressLine() { Clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // True when it is time to show again (a few times a second); Show then.
  bool Due();
  void Show(absl::string_view text);
  // Takes the line away, before something else is printed.
  void Clear();

 private:
  const Clock& clock_;
  bool enabled_;
  bool shown_ = false;
  absl::Duration next_;
};

}  // namespace leat
