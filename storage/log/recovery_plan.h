#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/record/batch.h"
#include "storage/log/checkpoint_entry.h"
#include "storage/log/segment.h"

// The decisions of recovery, as a pure function from what was observed to what is done (design D6). Only
// bytes above all evidence of a promise are cut; everything else is kept, and what cannot be read is fenced
// off.

namespace leat {

// Where a trouble lies, seen from the checkpoint.
enum class Evidence { kNone, kBelow, kAbove };  // no checkpoint; in what was promised; at its end or above

enum class Trouble {
  kDamage,         // bytes that are not the next batch
  kHole,           // the segment ends before the next one starts, or before the checkpoint
  kContradiction,  // the segment reaches into the next one, or the checkpoint names another offset
  kMissing,        // no segment holds the log start, maybe because there is none
  kUnreadable,     // an error of the file system: what is there is not known
};

enum class Decision {
  kCut,         // the log ends here; later segments are set aside
  kQuarantine,  // what is lost here cannot be read; the log goes on with the next segment
  kFence,       // as it is, but no more appends: what is lost cannot be told from what was promised
};

struct TroubleSite {
  Trouble trouble = Trouble::kDamage;
  Evidence evidence = Evidence::kNone;
  bool followed = false;  // a valid batch follows
  bool proven =
      false;  // the checkpoint proves that the next segment goes on where this one should have ended
};

// One row of the decision table; an empty field matches anything.
struct DecisionRow {
  Trouble trouble;
  std::optional<Evidence> evidence;
  std::optional<bool> followed;
  std::optional<bool> proven;
  Decision decision;
  absl::string_view why;

  bool Matches(const TroubleSite& site) const;
};

// Exactly one row matches each site that can occur (`proven` needs evidence kBelow). Static storage.
absl::Span<const DecisionRow> DecisionTable();

struct SegmentObservation {
  Offset base = 0;
  uint64_t bytes = 0;       // size of the file
  uint64_t good_bytes = 0;  // a sound prefix; what follows is damage
  Offset good_next = 0;     // behind its last batch
  std::string reason = "";  // of the damage
  bool batch_after_damage = false;
  Offset seen_next = 0;  // behind the last valid batch seen anywhere in the file
  bool contradicts_checkpoint = false;
  bool unreadable = false;  // what follows the sound prefix cannot be read; `bytes` may be unknown (0) then

  bool has_batches() const { return good_bytes > 0 || batch_after_damage || unreadable; }
};

struct RecoveryObservations {
  Offset log_start = 0;
  std::optional<CheckpointEntry> checkpoint = {};
  std::vector<SegmentObservation> segments = {};  // by base
  std::string unreadable = {};                    // why the names in the directory are not known
};

struct SegmentPlan {
  enum class Action { kKeep, kCutTail, kSetAside };
  Action action = Action::kKeep;
  std::optional<SegmentDamage> damage;  // of a kept segment
};

struct RecoveryPlan {
  std::vector<SegmentPlan> segments;  // one for each observed
  Offset end = 0;                     // of the log
  std::string fence;                  // why appends are refused; empty when they are not
  std::vector<std::string> notes;
};

RecoveryPlan PlanRecovery(const RecoveryObservations& observed);

}  // namespace leat
