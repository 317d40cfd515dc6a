#include "tools/cli/connection_watch.h"

#include "absl/strings/str_cat.h"
#include "storage/env/clock.h"
#include "tools/cli/command_line.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/quantity.h"

namespace leat {

absl::Status ConnectionWatch::Check() {
  const absl::Duration now = SystemClock().Monotonic();
  if (!asked_.has_value()) asked_ = client_->Ready();
  if (asked_->ready()) {
    const absl::Status contact = asked_->Get();
    asked_.reset();
    Note(contact, now);
  }
  if (!lost_since_.has_value() || now - *lost_since_ < patience_) return absl::OkStatus();
  return WithMessage(cause_, absl::StrCat("no contact with the daemon for ", FormatSpan(now - *lost_since_),
                                          ": ", cause_.message()));
}

void ConnectionWatch::Note(const absl::Status& contact, absl::Duration now) {
  if (contact.ok()) {
    if (lost_since_.has_value() && tell_) PrintNote("leat: the daemon is back");
    lost_since_.reset();
    return;
  }
  cause_ = contact;
  if (lost_since_.has_value()) return;
  lost_since_ = now;
  if (tell_) PrintNote(absl::StrCat("leat: waiting for the daemon: ", contact.message()));
}

}  // namespace leat
